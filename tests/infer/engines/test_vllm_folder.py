"""What servers printed is cleared away when nobody is left who would."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.infer.engines.vllm_folder import clear_orphaned, make_folder, note_named

DAY_S = 86400
MAKE = """
from tasks.infer.engines.vllm_folder import make_folder
folder = make_folder()
(folder / "vllm-1.log").write_text("Loading weights")
print(folder, flush=True)
input()
"""

Owner = subprocess.Popen[str]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def folder_of_another(request) -> Callable[[], tuple[Owner, Path]]:
    """A process that lives until it is told, and its folder."""

    def make() -> tuple[Owner, Path]:
        owner = subprocess.Popen(
            [sys.executable, "-c", MAKE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        request.addfinalizer(lambda: (owner.kill(), owner.communicate()))
        assert owner.stdout
        return owner, Path(owner.stdout.readline().strip())

    return make


def end(owner: Owner) -> None:
    owner.kill()
    owner.wait()


def test_a_folder_is_removed_when_its_owner_is_gone_and_not_before(folder_of_another):
    own, (owner, folder) = make_folder(), folder_of_another()
    assert clear_orphaned() == 0
    assert (folder / "vllm-1.log").exists()
    end(owner)
    assert clear_orphaned() == 1
    assert not folder.exists()
    assert own.exists()


def test_one_that_a_message_names_stays_for_a_day(folder_of_another):
    owner, folder = folder_of_another()
    note_named(folder)
    end(owner)
    assert clear_orphaned() == 0
    long_ago = time.time() - DAY_S - 60
    os.utime(folder / "named", (long_ago, long_ago))
    assert clear_orphaned() == 1
    assert not folder.exists()


@pytest.mark.parametrize("mark", [None, "", "nonsense", "1:\n", "999999999:1\npid:[1]\n", b"\xff\xfe"])
def test_one_whose_owner_cannot_be_told_stays(folder_of_another, mark):
    """Such as one of another container, whose numbers of processes are not ours."""
    owner, folder = folder_of_another()
    end(owner)
    if mark is None:
        (folder / "owner").unlink()
    else:
        (folder / "owner").write_bytes(mark if isinstance(mark, bytes) else mark.encode())
    assert clear_orphaned() == 0
    assert folder.exists()


def test_nothing_else_is_touched(folder_of_another, tmp_path):
    owner, folder = folder_of_another()
    end(owner)
    elsewhere = folder.rename(tmp_path / "elsewhere")
    (tmp_path / "pagelake-vllm-link").symlink_to(elsewhere)
    (tmp_path / "pagelake-vllm-file").touch()
    assert clear_orphaned() == 0
    assert (elsewhere / "vllm-1.log").exists()
