"""What surrounds and spoils the text of an answer, in any format: end tokens, fences, characters nobody can store.

Sources of the end tokens: the chat templates of dots.ocr, DeepSeek-OCR and GOT-OCR2.0 (reference/models.md); a server
leaves them in when it is asked not to skip special tokens, and GOT-OCR2.0#210 is an answer of nothing else.
"""

from __future__ import annotations

import re

END_TOKENS = (
    "<|endofassistant|>",
    "<|endoftext|>",
    "<|im_end|>",
    "<|endofuser|>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "</s>",
)
_END = re.compile("(?:" + "|".join(map(re.escape, END_TOKENS)) + r")\s*\Z")
_FENCE = re.compile(r"\A\s*```[A-Za-z]*[ \t]*\n(?P<inside>(?:(?!```).)*)(?:```\s*)?\Z", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARK = re.compile(r"<[^<>\n]{0,40}>")


def storable(text: str) -> str:
    """Without halves of surrogate pairs (JSON's `\\ud800` alone): no UTF-8 column takes them."""
    return _SURROGATE.sub("\ufffd", text)


def without_end_tokens(text: str) -> str:
    """The text without end tokens behind it and white space around it."""
    text = text.strip()
    while (end := _END.search(text)) is not None:
        text = text[: end.start()].rstrip()
    return text


def without_fence(text: str) -> str:
    """What stands inside a Markdown fence around the whole text, closed or cut off; any other text as it is."""
    fenced = _FENCE.match(text)
    return text if fenced is None else fenced["inside"].strip()


def is_legible(text: str) -> bool:
    """Whether anything is said beyond tokens in angle brackets and punctuation."""
    return any(c.isalnum() for c in _MARK.sub("", text))
