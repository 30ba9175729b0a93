"""The lake as SQL: views and macros over its Parquet files, for a connection of our own and as the file `lake.duckdb`.

Here is how DuckDB gets to see a lake. What it sees is in `sql/*.sql`, and what the columns mean is in `schemas`. A
catalog holds no data, so it can be thrown away and made again at any time.

The SQL files are templates: `@{name}` is filled in here and nowhere else, always with a quoted literal or identifier.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import duckdb
import pyarrow.parquet as pq

from tasks.errors import LakeError
from tasks.lake.schemas import TABLES
from tasks.lake.storage import LakeFolder
from tasks.lake.tables import NO_PARTITION

CATALOG_FILE = "lake.duckdb"

PARTITION_KEYS: dict[str, tuple[str, ...]] = {
    "pages": ("render",),
    "responses": ("model", "config"),
    "elements": ("model", "config"),
}
"""Keys of the folders `key=value` that lie between a table's folder and its files; other tables have none."""

SCRIPTS = ("tables", "views", "boxes", "text")
"""The files of `sql/` that make a catalog. Each uses what those before it made."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """What is in a lake, what failed, what is left to do: each field holds the rows of `sql/status/<field>.sql`."""

    objects: list[Row]
    documents: list[Row]
    pages: list[Row]
    responses: list[Row]
    elements: list[Row]
    failures: list[Row]
    left_to_do: list[Row]


def write_schema_files(lake: LakeFolder) -> None:
    """Give every table a file of no rows, so that its view works, with all of today's columns, before it has any other.

    Files that are as they should be are left alone; those of an older pagelake are replaced.

    Raises:
        LakeError: the lake cannot be written.
    """
    for table, schema in TABLES.items():
        name = _schema_file(table)
        if lake.exists(name):
            with lake.fs.open(lake.path(name), "rb") as file:
                if pq.read_schema(file).equals(schema, check_metadata=True):
                    continue
        lake.write_table(name, schema.empty_table())


def open_catalog(lake: LakeFolder) -> duckdb.DuckDBPyConnection:
    """A connection of its own, in memory, with views and macros made fresh over the lake.

    Extensions are never fetched or loaded: files outside the local disk are read through the lake's own file system.

    Raises:
        LakeError: there is no lake, its files cannot be read, or its path is one that DuckDB cannot read from.
    """
    check_is_there(lake)
    connection = _connect(lake)
    try:
        _run_scripts(connection, lake)
    except duckdb.Error as error:
        connection.close()
        raise _unreadable(lake, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def write_catalog(lake: LakeFolder) -> None:
    """Make `lake.duckdb` anew: the same views and macros with absolute paths, for any DuckDB and any working directory.

    The file is replaced in one step. Whoever has the old one open keeps it, and its views see new rows all the same.

    Raises:
        LakeError: as `open_catalog`, or the lake cannot be written.
    """
    check_is_there(lake)
    # Not made in the lake itself: DuckDB cannot write below a folder with a question mark, nor on an object store.
    with tempfile.TemporaryDirectory(prefix="pagelake-") as folder, closing(_connect(lake)) as connection:
        made = Path(folder, CATALOG_FILE)
        try:
            connection.execute(sql_text("attach_new_catalog", file=literal(str(made))))
            _run_scripts(connection, lake)
            connection.execute(sql_text("detach_new_catalog"))
        except duckdb.Error as error:
            raise _unreadable(lake, error) from error
        with lake.new_file(CATALOG_FILE) as local:
            shutil.copyfile(made, local)


def lake_status(connection: duckdb.DuckDBPyConnection) -> LakeStatus:
    """Answer the queries of `sql/status/` on a connection from `open_catalog`."""
    return LakeStatus(
        **{name: _rows(connection, sql_text(f"status/{name}")) for name in LakeStatus.__dataclass_fields__}
    )


def failure_rows(connection: duckdb.DuckDBPyConnection, most: int) -> list[Row]:
    """The first `most` rows of `failures`, in the order of their uris."""
    return _rows(connection, sql_text("failure_rows", most=str(most)))


def _connect(lake: LakeFolder) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(sql_text("session"))
    if not lake.is_local:
        connection.register_filesystem(lake.fs)
    return connection


def _run_scripts(connection: duckdb.DuckDBPyConnection, lake: LakeFolder) -> None:
    """Make all views and macros in the connection's current catalog."""
    values = dict(_table_values(lake))
    for script in SCRIPTS:
        connection.execute(sql_text(script, **values))
    connection.execute("".join(_column_comments()))


def _table_values(lake: LakeFolder) -> Iterator[tuple[str, str]]:
    """The placeholders of `tables.sql`: `<table>_files` and `<table>_columns`."""
    base = _glob_literally(lake)
    for table, schema in TABLES.items():
        folders = "".join(f"/{key}=*" for key in PARTITION_KEYS.get(table, ()))
        yield f"{table}_files", literal(f"{base}/{table}{folders}/*.parquet")
        known = set(lake.read_table(_schema_file(table)).column_names)
        columns = (identifier(name) if name in known else _null(name) for name in schema.names)
        yield f"{table}_columns", ",\n    ".join(columns)


def _null(column: str) -> str:
    """A column that this lake has no file of yet: it was last written by an older pagelake, and may be read by this."""
    return f"NULL::VARCHAR AS {identifier(column)}"


def _column_comments() -> Iterator[str]:
    inherited = {"objects": TABLES["sources"], "elements_located": TABLES["elements"]}
    for view, schema in (TABLES | inherited).items():
        for field in schema:
            comment = literal(field.metadata[b"comment"].decode())
            yield sql_text("column_comment", view=identifier(view), column=identifier(field.name), comment=comment)


def _schema_file(table: str) -> str:
    return "/".join((table, *(f"{key}={NO_PARTITION}" for key in PARTITION_KEYS.get(table, ())), "_schema.parquet"))


def check_is_there(lake: LakeFolder) -> None:
    """Raise a LakeError unless there is a lake."""
    if not all(lake.exists(_schema_file(table)) for table in TABLES):
        raise LakeError(lake.url, "there is no lake here. Check the URL, or make one with pagelake ingest.")


def _glob_literally(lake: LakeFolder) -> str:
    """The lake's root as the fixed beginning of a DuckDB path pattern.

    Raises:
        LakeError: DuckDB would take a part of the path for something else, with no way to tell it otherwise.
    """
    if "\\" in lake.root:
        raise LakeError(lake.url, "DuckDB cannot read from a path with a backslash. Move the lake.")
    columns = {name for schema in TABLES.values() for name in schema.names}.union(*PARTITION_KEYS.values())
    for folder in lake.root.split("/"):
        key, equals, _ = folder.partition("=")
        if equals and key.lower() in columns:
            raise LakeError(lake.url, f"DuckDB would read the folder {folder!r} as the column {key!r}. Move the lake.")
    base = lake.root if lake.is_local else lake.url
    return re.sub(r"[*?[]", r"[\g<0>]", base.rstrip("/"))


def _unreadable(lake: LakeFolder, error: duckdb.Error) -> LakeError:
    return LakeError(lake.url, f"its tables cannot be read. DuckDB says: {str(error).partition(chr(10))[0]}")


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    result = connection.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


class _SqlTemplate(Template):
    """`@{name}`, because a dollar sign means something in SQL."""

    delimiter = "@"


def sql_text(name: str, **values: str) -> str:
    text = files("tasks.lake").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return _SqlTemplate(text).substitute(values)


def literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
