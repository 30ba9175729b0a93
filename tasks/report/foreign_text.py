"""Names and messages that came from outside, made fit to be shown: in a terminal, in Prefect's Markdown.

A file may be called anything, and an error may quote what a document or a server said. Neither may steer a terminal,
break a line, load a picture or forge a link. The lake itself keeps every text as it is.
"""

from __future__ import annotations

import re

_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>|~&#$!]|^[-+=](?!\w)|(?<=^\d)[.)]")
"""Characters by which Markdown, and HTML in it, begins anything; some do so at the beginning of a line only."""


def for_terminal(text: str) -> str:
    """One line without control characters: those are written as escapes, such as `\\x1b`."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def for_markdown(text: str) -> str:
    """One line that Markdown shows as it is."""
    return _MEANS_SOMETHING.sub(r"\\\g<0>", for_terminal(text).strip())
