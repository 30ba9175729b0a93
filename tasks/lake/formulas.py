"""Cells that a spreadsheet would compute instead of show, made harmless: an apostrophe in front says that it is text.

What a document holds, and what a model made of it, ends in CSV files that people open in spreadsheets. A cell that
begins like a formula is run there: it may call programs and send other cells elsewhere.
"""

from __future__ import annotations

import duckdb

from tasks.lake.catalog import identifier, literal, sql_text

FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How such a cell begins: also with a blank that some spreadsheets drop, or a sign of full width."""

_SIGNED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_NUMBERS = frozenset((*_SIGNED, "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"))


def columns_without_formulas(answer: duckdb.DuckDBPyRelation) -> str:
    """The columns of a SELECT that gives the same rows with their formulas escaped; numbers stay numbers."""
    columns = zip(answer.columns, map(str, answer.types), strict=True)
    return ",\n".join(_number(name) if kind.partition("(")[0] in _NUMBERS else _text(name) for name, kind in columns)


def _number(column: str) -> str:
    return f"{identifier(column)} AS {identifier(_escaped(column))}"


def _text(column: str) -> str:
    marks = ", ".join(literal(mark) for mark in FORMULA_MARKS)
    return sql_text("escaped_cell", column=identifier(column), marks=marks, header=identifier(_escaped(column)))


def _escaped(name: str) -> str:
    """The name of a column: PIVOT makes names of what it finds."""
    return f"'{name}" if name.startswith(FORMULA_MARKS) else name
