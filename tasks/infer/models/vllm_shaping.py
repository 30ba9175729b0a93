"""Which arguments of a vLLM server shape answers, and so belong into `config`. Pure.

Only those that are known to: how numbers are held, what is loaded beside the weights, how a request becomes tokens, how
the next token is chosen. All others (memory, parallelism, scheduling, logging) are left out, and what is not known is
taken for one of them: a flag more on the same GPU must not have a whole collection asked again.
"""

from __future__ import annotations

from collections.abc import Iterable

SHAPING = frozenset(
    {
        # how numbers are held
        "--quantization",
        "--quantization-config",
        "--dtype",
        "--kv-cache-dtype",
        "--calculate-kv-scales",
        # what is loaded
        "--revision",
        "--code-revision",
        "--hf-overrides",
        "--hf-config-path",
        "--model-impl",
        "--load-format",
        "--enable-lora",
        "--lora-modules",
        "--default-mm-loras",
        "--rope-scaling",
        "--rope-theta",
        "--config",
        # how a request becomes tokens
        "--tokenizer",
        "--tokenizer-revision",
        "--tokenizer-mode",
        "--chat-template",
        "--chat-template-content-format",
        "--default-chat-template-kwargs",
        "--mm-processor-kwargs",
        "--media-io-kwargs",
        "--interleave-mm-strings",
        # how the next token is chosen, and what is told of it
        "--generation-config",
        "--override-generation-config",
        "--logits-processors",
        "--reasoning-parser",
    }
)
_SHORT = {"-q": "--quantization"}


def shaping_args(args: Iterable[str]) -> list[list[str]]:
    """The arguments that shape answers, each a flag with its values, in the order given.

    `--flag=value` and `--flag value` are one; so are dashes and underscores in a flag. One that is cut short, as vLLM
    takes it, counts as the flags that it may stand for; a dotted one (`--hf-overrides.a=1`) as the one before the dot.
    """
    found: list[list[str]] = []
    is_shaping = False
    for word in args:
        if word.startswith("-"):
            flag, equals, value = word.partition("=")
            flag = _SHORT.get(flag, flag.replace("_", "-"))
            is_shaping = _is_shaping(flag.partition(".")[0])
            if is_shaping:
                found.append([flag, value] if equals else [flag])
        elif is_shaping:
            found[-1].append(word)
    return found


def _is_shaping(flag: str) -> bool:
    return flag in SHAPING or (len(flag) > 3 and any(known.startswith(flag) for known in SHAPING))
