"""Messages of errors that end as rows: whatever a library says, the lake can hold it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ALL_KINDS, AnswerError, DocumentError, PageError, RowError

CLASSES = (DocumentError, PageError, AnswerError)


@pytest.mark.parametrize("error", CLASSES)
def test_every_kind_says_what_it_means(error: type[RowError]):
    for kind, advice in error.kinds.items():
        assert str(error(kind)) == advice
        assert str(error(kind, "Why.")) == f"Why. {advice}"
        assert kind in ALL_KINDS
    with pytest.raises(ValueError, match="nonsense"):
        error("nonsense")


@given(st.text(st.characters(), max_size=3000))  # halves of surrogate pairs too, as file names have them
def test_a_detail_becomes_one_bounded_line_of_utf8(detail):
    error = DocumentError("corrupt", detail)
    assert len(error.detail) <= 1000
    assert error.detail.splitlines() in ([], [error.detail])
    str(error).encode()
