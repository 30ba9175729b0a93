"""Plain text or Markdown of a whole page, without a box: one element that is as large as the page.

What GOT-OCR2.0, PP-DocBee and the plain prompts of dots.ocr and DeepSeek-OCR answer. GOT's formatted answers are
LaTeX-like; where one ends inside a command (`\\title{`, in transformers' own tests) it was cut off, and is kept so.
"""

from __future__ import annotations

import re

from tasks.infer.answers.contract import AnswerElement, AnswerText, Space, whole_page
from tasks.infer.answers.loops import drifts, find_loop
from tasks.infer.answers.model_text import is_legible, storable, without_end_tokens, without_fence

_OPEN_COMMAND = re.compile(r"\\[a-zA-Z]+\*?\{[^{}]*\Z")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(\w+\*?)\}")


def read_page_text(text: str, space: Space) -> AnswerText:
    """The whole answer as one element; an empty answer is a blank page."""
    answer = storable(without_fence(without_end_tokens(text)))
    if not answer:
        return AnswerText((), "ok" if not text.strip() else "unparsed")
    if not is_legible(answer):
        return AnswerText((), "unparsed")
    loop = find_loop(answer)
    if loop is not None:
        answer = answer[: loop.start + loop.period].rstrip()
    element = AnswerElement("", whole_page(space), answer)
    return AnswerText((element,), "looped" if loop is not None or drifts(answer) else "ok")


def read_formatted_page(text: str, space: Space) -> AnswerText:
    """The same for LaTeX-like Markdown, where an open command or environment shows that the answer was cut."""
    read = read_page_text(text, space)
    if read.status == "ok" and any(_is_open(element.text) for element in read.elements):
        return AnswerText(read.elements, "truncated")
    return read


def _is_open(text: str) -> bool:
    open_environments: list[str] = []
    for edge, name in _ENVIRONMENT.findall(text):
        if edge == "begin":
            open_environments.append(name)
        elif name in open_environments:
            open_environments.remove(name)
    return bool(open_environments) or _OPEN_COMMAND.search(text) is not None
