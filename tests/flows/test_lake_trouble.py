"""A disk that is full, a lake that may only be read: a clear message, and the lake stays as it was."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lake_contents import contents, differences
from places import Cli
from plain_pdf import write_pdf

pytestmark = pytest.mark.integration


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of its own with room for the lake's beginnings, not for its pages."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mounted = mount("-t", "tmpfs", "-o", "size=360k", "tmpfs", str(folder))
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def collection(tmp_path) -> Path:
    for number in range(6):
        write_pdf(tmp_path / "in" / f"{number}.pdf", pages=8)
    return tmp_path / "in"


def undisturbed(pagelake: Cli, collection: Path, tmp_path: Path):
    assert pagelake("ingest", collection, "--lake", tmp_path / "expected").returncode == 0
    return contents(tmp_path / "expected")


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(pagelake, collection, small_disk, tmp_path):
    lake = small_disk / "lake"
    ended = pagelake("ingest", collection, "--lake", lake)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    message = ended.stderr.strip().splitlines()[-1]
    assert "No space left on device" in message
    assert str(lake) in message
    assert not list((lake / "_unfinished").iterdir()), "half-written files take the last room"
    assert pagelake("sql", "SELECT count(*) FROM documents", "--lake", lake).returncode == 0
    assert pagelake("ingest", collection, "--lake", lake).returncode == 1
    assert mount("-o", "remount,size=200m", str(small_disk))
    assert pagelake("ingest", collection, "--lake", lake).returncode == 0
    assert not differences(contents(lake), undisturbed(pagelake, collection, tmp_path))


def test_a_lake_that_may_only_be_read_is_told_and_answers_questions(pagelake, collection, small_disk):
    assert mount("-o", "remount,size=200m", str(small_disk))
    lake = small_disk / "lake"
    assert pagelake("ingest", collection, "--lake", lake, "--limit", "2").returncode == 0
    before = contents(lake)
    assert mount("-o", "remount,ro", str(small_disk))
    for command in (("ingest", collection), ("retry",)):
        ended = pagelake(*command, "--lake", lake)
        assert ended.returncode == 1
        assert "Traceback" not in ended.stderr
        assert "Read-only file system" in ended.stderr.strip().splitlines()[-1]
    assert pagelake("status", "--lake", lake).returncode == 0
    assert "16" in pagelake("sql", "SELECT count(*) FROM pages", "--lake", lake).stdout
    assert not differences(contents(lake), before)
