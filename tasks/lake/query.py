"""One question to the lake: the answer as a table for people, or as CSV, JSON or Parquet for programs.

DuckDB writes the files itself, so nested columns, timestamps and quotes come out as its users know them.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing, nullcontext, redirect_stdout
from pathlib import Path
from typing import BinaryIO, TextIO

import duckdb

from tasks.errors import UsageError
from tasks.lake.catalog import literal, open_catalog, sql_text
from tasks.lake.formulas import columns_without_formulas
from tasks.lake.storage import LakeFolder

TABLE_ROWS = 1000
"""Rows that a table shows; the other formats hold them all."""

EXPORT_OPTIONS = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json, ARRAY true", "parquet": "FORMAT parquet"}


def print_table(lake: LakeFolder, query: str, out: TextIO, width: int) -> None:
    """Print the answer as a table, cut to `width` columns of text.

    Raises:
        UsageError: DuckDB does not understand the query.
        LakeError: there is no lake.
    """
    with closing(open_catalog(lake)) as catalog, redirect_stdout(out):
        try:
            answer = catalog.sql(query)
            if answer is not None:
                answer.show(max_rows=TABLE_ROWS, max_width=width)
        except duckdb.Error as error:
            raise UsageError(f"DuckDB says: {error}") from error


def export(
    lake: LakeFolder, query: str, output_format: str, out: BinaryIO | Path, *, escape_formulas: bool = False
) -> None:
    """Write the answer as `csv`, `json` (one array) or `parquet` to a stream or a file.

    With `escape_formulas` every text that a spreadsheet would take for a formula gets an apostrophe in front, by which
    a spreadsheet knows that it is text; numbers stay numbers.

    Raises:
        UsageError: DuckDB does not understand the query, or the file cannot be written.
        LakeError: there is no lake.
    """
    with closing(open_catalog(lake)) as catalog, tempfile.TemporaryDirectory() as folder:
        # Not to /dev/stdout: DuckDB would cut off what the file behind it held before.
        written = Path(folder, "answer")
        try:
            answer = catalog.sql(query)
            if answer is None:
                return
            try:
                answer.create_view("pagelake_answer")
            except duckdb.Error as error:
                raise UsageError("Only the answer of a SELECT can be exported; print this one as a table.") from error
            columns = columns_without_formulas(catalog.sql("FROM pagelake_answer")) if escape_formulas else "*"
            options = EXPORT_OPTIONS[output_format]
            catalog.execute(sql_text("export", columns=columns, file=literal(str(written)), options=options))
        except duckdb.Error as error:
            raise UsageError(f"DuckDB says: {error}") from error
        try:
            with written.open("rb") as made, nullcontext(out) if not isinstance(out, Path) else out.open("wb") as to:
                shutil.copyfileobj(made, to)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UsageError(f"Cannot write {out}: {error.strerror}") from error
