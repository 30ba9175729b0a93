"""What `pagelake sql` and `pagelake status` do. No Prefect: a question to the lake is no run."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path

from tasks.errors import UsageError
from tasks.lake.catalog import lake_status, open_catalog
from tasks.lake.query import export, print_table
from tasks.lake.storage import LakeFolder
from tasks.report.status import as_text


def run_query(
    query: str, lake_url: str, output_format: str, output: Path | None, *, escape_formulas: bool = False
) -> None:
    """Print the answer to `query`, or write it to `output`.

    Raises:
        UsageError: DuckDB does not understand the query, or the format does not go there.
        LakeError: there is no lake.
    """
    lake = LakeFolder.open(lake_url)
    if escape_formulas and output_format != "csv":
        raise UsageError("--escape-formulas needs --format csv: only spreadsheets take text for formulas.")
    if output_format == "table":
        if output is not None:
            raise UsageError("--output needs --format csv, json or parquet.")
        print_table(lake, query, sys.stdout, shutil.get_terminal_size((160, 50)).columns)
    elif output_format == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is not for terminals: redirect it, or give --output FILE.")
    else:
        export(lake, query, output_format, output or sys.stdout.buffer, escape_formulas=escape_formulas)


def run_status(lake_url: str) -> str:
    """The text of `pagelake status`."""
    lake = LakeFolder.open(lake_url)
    with closing(open_catalog(lake)) as catalog:
        return as_text(lake.url, lake_status(catalog))
