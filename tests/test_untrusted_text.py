"""What a model or a document says is data: nothing in the source evaluates it, formats with it, or puts it into SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*(ROOT / "tasks").rglob("*.py"), *(ROOT / "flows").rglob("*.py")])
EVALUATES = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"isolate_worker.py", "isolate_child.py"}
"""The two ends of a pipe between a process and its own child."""
CATALOG = {"catalog.py", "formulas.py"}
"""The files that fill in SQL templates, with quoted literals and identifiers."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the last part of what it calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            yield name, node


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.AST]:
    assert len(SOURCES) > 50
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def test_nothing_is_evaluated(trees):
    for path, tree in trees.items():
        for name, node in calls(tree):
            is_builtin = isinstance(node.func, ast.Name)
            assert not (is_builtin and name in EVALUATES), f"{path}:{node.lineno}"
            assert name not in ("literal_eval", "unsafe_load", "system", "popen"), f"{path}:{node.lineno}"
            assert not any(word.arg == "shell" for word in node.keywords), f"{path}:{node.lineno}"


def test_only_our_own_pipe_is_unpickled(trees):
    for path, tree in trees.items():
        imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert path.name in UNPICKLES or not imports & {"pickle", "marshal", "shelve", "dill"}, path


def test_no_format_string_comes_from_outside(trees):
    for path, tree in trees.items():
        for name, node in calls(tree):
            if name in ("format", "format_map") and isinstance(node.func, ast.Attribute):
                assert isinstance(node.func.value, ast.Constant), f"{path}:{node.lineno}: format of what is no literal"
        for node in ast.walk(tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.right, ast.Tuple):
                assert isinstance(node.left, ast.Constant), f"{path}:{node.lineno}: % on what is no literal"


def test_sql_is_run_from_templates_and_with_parameters_only(trees):
    """`execute` and `sql` of a connection take sql_text(…), a user's own query, or a literal: never a built string."""
    for path, tree in trees.items():
        for name, node in calls(tree):
            if name in ("execute", "executemany", "sql") and isinstance(node.func, ast.Attribute) and node.args:
                query = node.args[0]
                built = isinstance(query, ast.JoinedStr | ast.BinOp)
                assert not built, f"{path}:{node.lineno}: SQL built from strings"


def test_sql_templates_are_filled_in_with_quoted_values_only(trees):
    """Every value that is given to sql_text is quoted on the spot, or is known by name to be made of such."""
    made_of_quoted = {"values", "options", "columns", "most", "marks"}
    for path, tree in trees.items():
        for name, node in calls(tree):
            if name != "sql_text":
                continue
            for word in node.keywords:
                value = word.value
                quoted = isinstance(value, ast.Call) and getattr(value.func, "id", "") in ("literal", "identifier")
                number = isinstance(value, ast.Call) and getattr(value.func, "id", "") == "str"
                known = isinstance(value, ast.Name) and value.id in made_of_quoted | {"view", "column", "comment"}
                assert quoted or number or known, f"{path}:{node.lineno}: {word.arg} is not quoted"
