"""Files of the lake appear whole or not at all, on local disks and elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.errors import LakeError, UsageError
from tasks.lake.storage import UNFINISHED, LakeFolder

TABLE = pa.table({"n": [1, 2, 3]})


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path) -> LakeFolder:
    return LakeFolder.open(str(tmp_path / "a lake") if request.param == "local" else f"memory://{tmp_path.name}/lake")


def test_what_is_written_is_read_and_listed(lake):
    lake.write_table("runs/one.parquet", TABLE)
    assert lake.read_table("runs/one.parquet") == TABLE
    assert lake.parquet_files("runs") == ["one"]
    assert lake.exists("runs/one.parquet")


def test_a_folder_that_is_not_there_is_empty(lake):
    assert lake.parquet_files("pages/render=none") == []


def test_names_with_an_underscore_in_front_are_not_listed(lake):
    lake.write_table("runs/_schema.parquet", TABLE)
    assert lake.parquet_files("runs") == []


def test_a_column_that_an_old_file_lacks_is_left_out(lake):
    lake.write_table("runs/one.parquet", TABLE)
    assert lake.read_table("runs/one.parquet", ["n", "newer"]).column_names == ["n"]


def test_a_writer_that_fails_leaves_the_old_file_and_no_other(lake):
    lake.write_table("runs/one.parquet", TABLE)
    with pytest.raises(RuntimeError), lake.new_file("runs/one.parquet") as path:
        path.write_bytes(b"half")
        raise RuntimeError
    assert lake.read_table("runs/one.parquet") == TABLE
    if lake.is_local:
        assert list(Path(lake.path(UNFINISHED)).iterdir()) == []


def test_leftovers_of_dead_processes_are_swept_and_those_of_living_ones_stay(tmp_path):
    lake = LakeFolder.open(str(tmp_path))
    write = "from tasks.lake.storage import LakeFolder\nimport os, sys\n" + (
        "with LakeFolder.open(sys.argv[1]).new_file('x.parquet') as p: p.write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", write, str(tmp_path)], check=False)
    unfinished = Path(lake.path(UNFINISHED))
    assert len(list(unfinished.iterdir())) == 1
    with lake.new_file("y.parquet") as mine:
        mine.write_text("still at it")
        lake.sweep_unfinished()
        assert list(unfinished.iterdir()) == [mine]


def test_a_lake_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LakeError, match="cannot write"):
        LakeFolder.open(str(tmp_path / "file")).write_table("runs/one.parquet", TABLE)


def test_an_unknown_protocol_is_a_usage_error():
    with pytest.raises(UsageError, match="nosuch"):
        LakeFolder.open("nosuch://bucket/lake")


def test_relative_paths_are_taken_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert LakeFolder.open("lake").root == os.fspath(tmp_path / "lake")
