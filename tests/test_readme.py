"""The README keeps up with the code."""

from pathlib import Path

import pytest
from typer.main import get_command

from flows.cli import app
from tasks.errors import ANSWER_KINDS, DOCUMENT_KINDS, PAGE_KINDS
from tasks.lake.schemas import TABLES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kinds", [DOCUMENT_KINDS, PAGE_KINDS, ANSWER_KINDS])
def test_every_error_kind_is_explained_in_the_same_words(kinds):
    for kind, advice in kinds.items():
        assert f"| `{kind}` | {advice} |" in README


def test_every_command_and_table_is_named():
    for command in get_command(app).commands:  # ty: ignore[missing-attribute]
        assert f"pagelake {command}" in README
    for table in TABLES:
        assert f"| `{table}` |" in README
