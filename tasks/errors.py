"""Every error that pagelake raises on purpose, and the kinds that land in `error_kind`.

    PagelakeError
    ├── UsageError          what was asked cannot be done: exit status 2
    ├── Interrupted         somebody pressed Ctrl-C: exit status 130
    ├── LakeError           the lake cannot be read or written: exit status 1
    ├── EngineLost          no page can be answered any more: exit status 1
    ├── DocumentError       one document cannot be read: a row in `documents`
    ├── PageError           one page cannot be rendered: a row in `pages`
    ├── AnswerError         one page cannot be read by the model: a row in `responses`
    └── WorkerDied          a child process was killed, crashed or took too long

A class stores its fields and builds its message; `kind` is what the lake stores. Kinds are listed in `DOCUMENT_KINDS`,
`PAGE_KINDS` and `ANSWER_KINDS` with what a user can do about each; nothing else is ever written into `error_kind`.
"""

from __future__ import annotations

from typing import ClassVar

DOCUMENT_KINDS: dict[str, str] = {
    "empty": "The file has no bytes. Upload it again.",
    "not_a_document": "Not a PDF, PNG, JPEG, WebP or TIFF by its content. Convert it or leave it out.",
    "encrypted": "The PDF asks for a password. Run again with --password.",
    "password_wrong": "The given password does not open the PDF. Run again with another --password.",
    "corrupt": "The file cannot be parsed. Repair it (for example with qpdf) or fetch it again.",
    "no_pages": "The PDF opens but holds no page.",
    "too_many_pages": "More pages than the limit. Split the file.",
    "too_many_bytes": "Larger than the limit. Split the file.",
    "unreadable_source": "The storage refused to hand the object out. Check permissions and run again.",
    "vanished": "The object was listed but gone, or changed, when it was read. Run again.",
}
PAGE_KINDS: dict[str, str] = {
    "page_corrupt": "The page's content cannot be parsed; its neighbours are fine.",
    "render_timeout": "Rendering took longer than the limit. Run pagelake retry with a longer --page-timeout.",
    "render_memory": "Rendering needed more memory than a worker may use. Make its pictures smaller and run again.",
    "render_crash": "PDFium died on this page.",
    "too_large_scaled": "Not a failure: the page has more pixels than the limit and was scaled down.",
    "encrypted": "The PDF asks for a password that was not given this time. Run again with --password.",
    "password_wrong": "The password given this time does not open the PDF. Run again with another --password.",
    "vanished": "The document was gone, or another one, when its pages were rendered. Run pagelake retry.",
    "unreadable_source": "The storage refused to hand the document out for rendering. Run pagelake retry.",
    "too_many_bytes": "The document has grown beyond the limit since it was discovered. Run pagelake retry.",
}
ANSWER_KINDS: dict[str, str] = {
    "page_not_rendered": "There is no image to read; the page's own row says why.",
    "engine_error": "The engine failed on this page. Run pagelake retry.",
    "timeout": "The engine took longer than the limit. Retry with a longer --answer-timeout, or --page-timeout of cpu-layout.",
    "refused": "The server refused the request; `error` holds its words. Mend what it names and run pagelake retry.",
    "unparsed": "The answer could not be read; its raw text is in `responses`.",
    "truncated": "The answer broke off; `elements` holds what came before. Run pagelake retry, or another --model.",
    "looped": "The answer repeats itself; `elements` holds what came before. Run pagelake retry, or another --model.",
}


ALL_KINDS = DOCUMENT_KINDS.keys() | PAGE_KINDS.keys() | ANSWER_KINDS.keys()
"""Every value of `error_kind`."""

INCOMPLETE_KINDS = ("truncated", "looped")
"""Answers that were read as far as they go: no failures, but not the whole page either."""

PASSWORD_KINDS = ("encrypted", "password_wrong")
"""Failures of documents and pages that another password may cure."""


class PagelakeError(Exception):
    """Base of all errors raised on purpose. Its text is a sentence for a person, without a traceback."""


class UsageError(PagelakeError):
    """What was asked for cannot be done as asked: a wrong option, an unknown model, a source that is not there."""


class Interrupted(PagelakeError):
    """Somebody pressed Ctrl-C."""

    def __init__(self) -> None:
        super().__init__("Interrupted. What is done stays in the lake; run the same command again to go on.")


class LakeError(PagelakeError):
    """The lake itself cannot be read or written. The run stops; what is visible in the lake stays valid."""

    def __init__(self, url: str, problem: str) -> None:
        self.url, self.problem = url, problem
        super().__init__(f"Lake {url}: {problem}")


class EngineLost(PagelakeError):
    """The engine answers no page any more: the run stops before any page is blamed for it."""


_DETAIL_CHARACTERS = 1000


def _fit_for_a_row(detail: str) -> str:
    """One line of bounded length that UTF-8 can hold: libraries quote file names, and broken files, in their errors."""
    line = " ".join(detail[: 2 * _DETAIL_CHARACTERS].encode("utf-8", "backslashreplace").decode().split())
    return line if len(line) <= _DETAIL_CHARACTERS else f"{line[: _DETAIL_CHARACTERS - 2]} …"


class RowError(PagelakeError):
    """An error that ends as a row: `kind` goes to `error_kind`, the text to `error`."""

    kinds: ClassVar[dict[str, str]] = {}

    def __init__(self, kind: str, detail: str = "") -> None:
        if kind not in self.kinds:
            raise ValueError(f"{type(self).__name__} has no kind {kind!r}")
        self.kind, self.detail = kind, _fit_for_a_row(detail)
        super().__init__(f"{self.detail.rstrip('.')}. {self.kinds[kind]}" if self.detail else self.kinds[kind])


class DocumentError(RowError):
    """A whole document cannot be read."""

    kinds: ClassVar[dict[str, str]] = DOCUMENT_KINDS


class PageError(RowError):
    """One page cannot be rendered."""

    kinds: ClassVar[dict[str, str]] = PAGE_KINDS


class AnswerError(RowError):
    """One page cannot be read by the model."""

    kinds: ClassVar[dict[str, str]] = ANSWER_KINDS


class WorkerDied(PagelakeError):
    """A child process ended, or was ended by us, before it answered.

    `reason` is `timeout` (we killed it), `memory` (its limit was reached, or SIGKILL came from the kernel) or `crash`.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"A worker process ended ({reason}): {detail}")
