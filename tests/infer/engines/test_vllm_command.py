"""How vLLM is called: what comes from the model's profile, from the user and from us."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.infer.engines.vllm_command import VllmLaunch, VllmPython, find_vllm, server_command

ROOT = Path(__file__).parents[3]
LAUNCH = VllmLaunch("some/model", "some", args=("--max-model-len", "32768"))
PYTHON = VllmPython("/venv/python", has_serve=True)


def test_the_users_arguments_win_over_the_models_and_ours_over_both():
    command = server_command(PYTHON, replace(LAUNCH, extra_args=("--max-model-len", "8192")), 1234)
    assert command[-10:] == [
        *("--max-model-len", "32768", "--max-model-len", "8192"),
        *("--served-model-name", "some", "--host", "127.0.0.1", "--port", "1234"),
    ]


def test_it_listens_on_the_loopback_only():
    command = server_command(PYTHON, LAUNCH, 1234)
    assert command[command.index("--host") :][:4] == ["--host", "127.0.0.1", "--port", "1234"]


def test_parallelism_is_named_where_there_is_some():
    assert not [word for word in server_command(PYTHON, LAUNCH, 1) if "parallel" in word]
    command = server_command(PYTHON, replace(LAUNCH, tensor_parallel=2, data_parallel=4), 1)
    assert command[command.index("--tensor-parallel-size") + 1] == "2"
    assert command[command.index("--data-parallel-size") + 1] == "4"


def test_serve_takes_the_model_by_position_and_the_module_by_name():
    assert server_command(PYTHON, LAUNCH, 1)[:5] == [
        *("/venv/python", "-m", "vllm.entrypoints.cli.main"),
        *("serve", "some/model"),
    ]
    older = server_command(replace(PYTHON, has_serve=False), LAUNCH, 1)
    assert older[:5] == ["/venv/python", "-m", "vllm.entrypoints.openai.api_server", "--model", "some/model"]


REFUSED = ["--port", "--host=0.0.0.0", "--served_model_name", "--api-key", "--uds=x", "--host.x=1", "--"]
SHORT = ["--hos", "--por=2", "--api", "--served_mod=x", "--ud", "--h", "--ssl-k", "--mod"]


@pytest.mark.parametrize("whose", ["args", "extra_args"])
@pytest.mark.parametrize("word", REFUSED + SHORT)
def test_what_pagelake_decides_cannot_be_given(word, whose):
    flag = word.partition("=")[0].partition(".")[0].replace("_", "-")
    with pytest.raises(UsageError, match=f"argument {flag}[ ,]"):
        server_command(PYTHON, replace(LAUNCH, **{whose: ("--x", word, "1")}), 1)


@pytest.mark.parametrize(
    "word",
    ["--model-impl", "--hf-overrides", "--api-server-count=2", "-tp", "-", "1", "--porter", "--ssl-ca-certs", "-p"],
)
def test_what_only_looks_like_it_can_be_given(word):
    assert word in server_command(PYTHON, replace(LAUNCH, extra_args=(word,)), 1)


def test_a_folder_that_is_not_there_is_told_before_anything_is_started(tmp_path):
    server_command(PYTHON, replace(LAUNCH, model=str(tmp_path)), 1)
    with pytest.raises(UsageError, match="no model at"):
        server_command(PYTHON, replace(LAUNCH, model=str(tmp_path / "nothing")), 1)


@pytest.mark.parametrize("named", [True, False])
def test_an_installed_vllm_is_found_without_importing_it(monkeypatch, tmp_path, named):
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").write_text("raise SystemExit('it was imported')")
    if named:
        (tmp_path / "vllm-0.17.0.dist-info").mkdir()
        (tmp_path / "vllm-0.17.0.dist-info" / "METADATA").write_text("Name: vllm\nVersion: 0.17.0\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("PAGELAKE_VLLM_PYTHON", raising=False)
    assert find_vllm() == VllmPython(sys.executable, has_serve=named, version="0.17.0" if named else "")


def test_what_is_called_vllm_in_the_present_folder_is_not_it(monkeypatch, tmp_path):
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(UsageError, match="not installed"):
        find_vllm()


@pytest.mark.parametrize("named", [True, False])
def test_only_an_interpreter_that_was_named_is_told_as_named(monkeypatch, named):
    monkeypatch.delenv("PAGELAKE_VLLM_PYTHON", raising=False)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    if named:
        monkeypatch.setenv("PAGELAKE_VLLM_PYTHON", "/nowhere/python")
    with pytest.raises(UsageError, match=r"/nowhere/python.* cannot be run: No such file") as error:
        find_vllm()
    assert ("PAGELAKE_VLLM_PYTHON" in str(error.value)) == named


def test_nothing_of_ours_imports_vllm_or_torch():
    imported = set()
    for path in [*(ROOT / "tasks").rglob("*.py"), *(ROOT / "flows").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
    assert "psutil" in imported
    assert not imported & {"vllm", "torch", "transformers"}
