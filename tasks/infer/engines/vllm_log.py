"""Why vLLM did not start, or died, out of what it printed. Pure: text in, one line out.

vLLM reports one failure many times: the process in which it happened tells the cause, and each process above it only
that one below has failed. So what counts is the first exception after an engine or a worker said that it gives up, or
else the last exception of all. Where the cause is well known, what to do about it is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from signal import SIGKILL

_LONGEST_REASON, _LONGEST_LINE = 600, 200
_LONGEST_READ = 2000
"""Of one line of the log, in characters: some print a whole configuration."""

_SIGNALS = 128
"""A shell's exit status is this much and the number of the signal that killed the process."""

_WHO = re.compile(r"^\([^()]*\bpid=\d+[^()]*\)\s?")
_LOGGED = re.compile(r"^(DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_EXCEPTION = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*(?:Error|Exception|Exit))(?:: (?P<said>.*))?$")
_CHAINED = ("The above exception was the direct cause", "During handling of the above exception")
_GIVES_UP = re.compile(
    r"^(EngineCore failed to start|WorkerProc failed to start|EngineCore encountered a fatal error"
    r"|WorkerProc hit an exception)"
)
_SAYS_NOTHING = re.compile(
    r"See root cause above|initialization failed due to an exception in a background process|EngineDeadError"
    r"|EngineCore encountered an issue|^SystemExit|Executor failed\.$"
)
_DIED_SILENTLY = re.compile(
    r"Worker proc \S+ died unexpectedly \(exit code: -\d+\)|engine core (\S+ )?(died|exited) unexpectedly",
    re.IGNORECASE,
)
_USAGE = re.compile(r"^[\w.-]+(?: \w+)?: error: (?P<said>.*)$")
_WORTH_A_LOOK = re.compile(r"[A-Za-z]{2}")
_NOISE = re.compile(r"warnings\.warn|Warning: |^Traceback|^\s*File \"|^usage: |\[-")

_SECRETS = (
    (re.compile(r"\b(hf_|sk-)[A-Za-z0-9_-]{6,}"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|basic) [A-Za-z0-9._~+/=-]{4,}"), r"\1 ***"),
    (re.compile(r"(?i)((?:token|secret|password|api_?key)['\"]?\s?[=:]\s?['\"\[]*)[^\s'\",\])]{6,}"), r"\1***"),
    (re.compile(r"(://)[^\s/@]+@"), r"\1***@"),
)

_SHORTENED = (
    (re.compile(r"(?s)\s*Supported architectures: .*"), ""),
    (re.compile(r"\s*See https?://\S+ for more details\."), ""),
    (re.compile(r"(?s)\s*See documentation for Memory Management.*"), ""),
    (re.compile(r"(?s)\s*Including non-PyTorch memory.*"), ""),
    (re.compile(r"^Value error, "), ""),
    (re.compile(r"(?s)\s*\[type=\w+, input_.*"), ""),
)

_ADVICE = (
    (
        r"died unexpectedly|exited unexpectedly",
        "A process that ends without a word was killed, as a rule by the kernel because memory ran out: see its log.",
    ),
    (
        r"out of memory",
        "Let vLLM hold less: a smaller --max-num-seqs or --max-model-len, or another --gpu-memory-utilization.",
    ),
    (r"No available memory for the cache blocks", "Give it a larger --gpu-memory-utilization, or a larger GPU."),
    (
        r"larger than the available KV cache|greater than the derived max_model_len",
        "Give it a smaller --max-model-len.",
    ),
    (
        r"less than desired GPU memory utilization",
        "Something else holds the GPU's memory (nvidia-smi tells what): end it, or lower --gpu-memory-utilization.",
    ),
    (
        r"unrecognized arguments|^argument -|expected (one|at least)",
        "Check the arguments given to vLLM; this version may not know them.",
    ),
    (
        r"architectures .* not supported|not recognize this architecture|no vLLM implementation",
        "This vLLM does not know the model; a newer one may.",
    ),
    (
        r"gated repo|401 Client Error|403 Client Error",
        "Accept the model's terms on its page, and give HF_TOKEN.",
    ),
    (
        r"Repo id must be|not a valid model identifier|Repository Not Found|couldn't connect to|LocalEntryNotFound"
        r"|cached snapshot folder|Invalid repository ID or local directory",
        "Give the folder that holds the model's config.json, or a hub id that this machine can reach.",
    ),
    (
        r"logits_processor\.LogitsProcessor|not supported by the V2 model runner|do(es)? not support .*logits",
        "The model runner of this vLLM refuses the logits processor; VLLM_USE_V2_MODEL_RUNNER=0 in the environment "
        "brings the older one back.",
    ),
    (r"(?i)address already in use", "Another program took the port meanwhile: run the same command again."),
    (r"trust[_-]remote[_-]code", "If you trust the code that comes with the model, give it --trust-remote-code."),
    (
        r"Failed to infer device type|No CUDA GPUs|no NVIDIA driver|CUDA driver version is insufficient",
        "vLLM needs a GPU with its driver here; or point --endpoint to a server elsewhere.",
    ),
    (r"larger than the number of available GPUs|World size .* GPUs", "Ask for fewer GPUs."),
    (r"(?i)\bnvcc\b|\bninja\b", "VLLM_USE_FLASHINFER_SAMPLER=0 in the environment does without a compiler."),
    (
        r"SafetensorError|safetensors_rust|MetadataIncompleteBuffer",
        "The model's files are incomplete or damaged: fetch them again.",
    ),
)
_ADVISED = tuple((re.compile(pattern), advice) for pattern, advice in _ADVICE)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    level: str | None


@dataclass(frozen=True, slots=True)
class _Raised:
    at: int
    text: str
    chained: bool
    """Another exception was raised while this one was handled, and says more, as a rule."""


def reason_of(log: str) -> str:
    """One line with the cause of a failure, without secrets, and what to do where that is known.

    It may be empty: where nothing was printed.
    """
    lines = list(_lines(log))
    return _told(_cause(lines) or _last_words(lines))


def death_reason(status: int | None, log: str) -> str:
    """Why a server ended that was not told to, from its exit status as a shell tells it; None: nobody knows it."""
    if status is not None and status <= _SIGNALS:
        return reason_of(log) or f"it ended with status {status} and said nothing"
    if status is None:
        ended = "its keeper was killed"
    elif status == _SIGNALS + SIGKILL:
        ended = "it was killed from outside, as the kernel does when memory runs out"
    else:
        ended = f"it was ended by signal {status - _SIGNALS}"
    cause = _told(_cause(list(_lines(log))))
    return f"{ended}; it said: {cause}" if cause else ended


def last_words(log: str) -> str:
    """The last line that tells something, without secrets and what a logger puts before it; may be empty."""
    return _bounded(masked(_last_words(list(_lines(log)))), _LONGEST_LINE)


def masked(text: str) -> str:
    """`text` without tokens, keys and passwords, as far as they look like some."""
    for pattern, mask in _SECRETS:
        text = pattern.sub(mask, text)
    return text


def _told(cause: str) -> str:
    advice = next((advice for pattern, advice in _ADVISED if pattern.search(cause)), "")
    for pattern, short in _SHORTENED:
        cause = pattern.sub(short, cause)
    cause = _bounded(masked(cause), _LONGEST_REASON)
    return f"{cause.rstrip('.…')}. {advice}" if advice else cause


def _lines(log: str) -> Iterator[_Line]:
    for raw in re.split(r"[\r\n]+", _COLOURS.sub("", log)):
        text = _WHO.sub("", raw[:_LONGEST_READ])
        logged = _LOGGED.match(text)
        yield _Line(text[logged.end() :], logged[1]) if logged else _Line(text, None)


def _cause(lines: list[_Line]) -> str:
    raised = list(_raised(lines))
    return (
        _usage_error(lines)
        or _root_exception(lines, [one for one in raised if not _SAYS_NOTHING.search(one.text)])
        or next((found[0] for line in lines if (found := _DIED_SILENTLY.search(line.text))), "")
        or (raised[-1].text if raised else "")
    )


def _usage_error(lines: list[_Line]) -> str:
    """argparse has the last word when it has one."""
    said = _USAGE.match(next((line.text for line in reversed(lines) if line.text.strip()), ""))
    return said["said"] if said else ""


def _root_exception(lines: list[_Line], raised: list[_Raised]) -> str:
    telling = [one for one in raised if not one.chained] or raised
    gave_up_at = next((at for at, line in enumerate(lines) if _GIVES_UP.match(line.text)), None)
    if gave_up_at is not None:  # what was raised before concerns single requests
        return next((one.text for one in telling if one.at > gave_up_at), "")
    return telling[-1].text if telling else ""


def _raised(lines: list[_Line]) -> Iterator[_Raised]:
    """Exceptions as Python prints them, but for those that are only warned of."""
    for at, line in enumerate(lines):
        said = _EXCEPTION.match(line.text)
        if said and line.level not in ("DEBUG", "INFO", "WARNING"):
            following = [later.text for later in lines[at + 1 : at + 8]]
            if said["said"] and re.search(r"\bvalidation errors? for ", said["said"]):
                text = " ".join(_details(following)) or said["said"]
            else:
                text = f"{said[1]}: {said['said']}" if said["said"] else said[1]
            yield _Raised(at, text, _is_chained(following))


def _details(following: list[str]) -> Iterator[str]:
    """What pydantic found: the indented lines, up to the first one with a link."""
    for text in following:
        if not text.startswith(" ") and "." in text:
            return
        if "For further information" in text:
            return
        yield text.strip()


def _is_chained(following: list[str]) -> bool:
    after = next((text for text in following if text.strip()), "")
    return after.startswith(_CHAINED)


def _last_words(lines: list[_Line]) -> str:
    telling = (line for line in reversed(lines) if _WORTH_A_LOOK.search(line.text) and not _NOISE.search(line.text))
    return next((line.text.strip() for line in telling), "")


def _bounded(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
