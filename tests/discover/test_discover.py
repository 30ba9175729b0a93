"""A batch's rows: every object, every content once, and why something could not be read."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.discover.collection import Collection
from tasks.discover.discover import read_batch, write_batch
from tasks.errors import DocumentError
from tasks.lake.prepare import prepare_lake
from tasks.lake.shards import read_shards

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Facts:
    """As many pages as the file has bytes."""

    page_count: int
    media_type: str = "application/pdf"
    title: str | None = None
    author: str | None = None


class Inspector:
    """Notes what it was shown; a content that begins with "locked" needs a password."""

    def __init__(self, password: str | None = None) -> None:
        self.seen, self.password = [], password

    def __call__(self, path: Path) -> Facts:
        content = path.read_bytes()
        self.seen.append(content)
        if content.startswith(b"locked") and not self.password:
            raise DocumentError("encrypted")
        if content.startswith(b"bad"):
            raise DocumentError("corrupt", "no header")
        return Facts(len(content))


@pytest.fixture
def lake(tmp_path):
    return prepare_lake(str(tmp_path / "lake"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def run(lake, folder, inspect, password=None, only_documents=False) -> Collection:
    collection = Collection.compare(lake, [str(folder)], limit=None, password=password)
    for batch in collection.batches:
        known = collection.known_documents(lake, besides=batch)
        read = read_batch(batch, inspect, known=known, threads=2)
        new = write_batch(lake, batch, read, known=known, seen_before=collection.seen_before, seen_at=NOW, run_id="r")
        collection.batch_was_read(batch, {r.found.uri: r.doc_id for r in read if r.doc_id}, new)
        if only_documents:
            lake.fs.rm(lake.path(f"sources/{batch.name}.parquet"))
    return collection


def table(lake, name):
    return [row for f in lake.parquet_files(name) for row in lake.read_table(f"{name}/{f}.parquet").to_pylist()]


def test_every_object_has_a_row_and_every_content_one(lake, folder):
    for name, content in {"a": b"12345", "b": b"12345", "c": b"bad", "d": b"123"}.items():
        (folder / name).write_bytes(content)
    run(lake, folder, Inspector())
    assert [row["uri"][-1] for row in table(lake, "sources")] == ["a", "b", "c", "d"]
    documents = table(lake, "documents")
    assert [(row["page_count"], row["status"], row["error_kind"]) for row in documents] == [
        (5, "ok", None),
        (None, "failed", "corrupt"),
        (3, "ok", None),
    ]
    assert documents[1]["error"].startswith("no header. ")


def test_an_object_that_cannot_be_read_has_a_row_and_is_tried_again(lake, folder):
    (folder / "gone").symlink_to(folder.parent / "nowhere")
    run(lake, folder, Inspector())
    [row] = table(lake, "sources")
    assert (row["doc_id"], row["error_kind"]) == (None, "vanished")
    (folder.parent / "nowhere").write_bytes(b"here now")
    inspect = Inspector()
    run(lake, folder, inspect)
    assert inspect.seen == [b"here now"]


def test_a_pipe_is_not_waited_for(lake, folder):
    os.mkfifo(folder / "pipe")
    run(lake, folder, Inspector())
    [row] = table(lake, "sources")
    assert row["error_kind"] == "unreadable_source"


def test_a_second_run_reads_nothing(lake, folder):
    (folder / "a").write_bytes(b"1")
    run(lake, folder, Inspector())
    collection = run(lake, folder, inspect := Inspector())
    assert not inspect.seen
    assert not collection.batches
    assert list(collection.uris(collection.wanted).values()) == [f"file://{folder}/a"]


def test_a_known_content_under_a_new_name_is_not_looked_into(lake, folder):
    (folder / "a").write_bytes(b"1")
    run(lake, folder, Inspector())
    (folder / "b").write_bytes(b"1")
    run(lake, folder, inspect := Inspector())
    assert not inspect.seen
    assert len(table(lake, "sources")) == 2
    assert len(table(lake, "documents")) == 1


def test_a_changed_object_is_read_again_and_its_old_content_stays(lake, folder):
    (folder / "a").write_bytes(b"1")
    run(lake, folder, Inspector())
    (folder / "a").write_bytes(b"22")
    run(lake, folder, Inspector())
    assert sorted(row["event"] for row in table(lake, "sources")) == ["added", "changed"]
    assert len(table(lake, "documents")) == 2


def test_a_password_opens_what_was_locked_and_nothing_else_is_read(lake, folder):
    (folder / "a").write_bytes(b"locked")
    (folder / "b").write_bytes(b"open")
    run(lake, folder, Inspector())
    run(lake, folder, inspect := Inspector("secret"), password="secret")
    assert inspect.seen == [b"locked"]
    ok = [row for row in table(lake, "documents") if row["status"] == "ok"]
    assert sorted(row["page_count"] for row in ok) == [4, 6]
    run(lake, folder, inspect := Inspector("secret"), password="secret")
    assert not inspect.seen


def test_killed_between_its_two_files_a_batch_is_written_again_the_same(lake, folder):
    for name in "abc":
        (folder / name).write_bytes(name.encode())
    [batch] = run(lake, folder, Inspector(), only_documents=True).batches
    before = [read_shards(lake, batch.name), table(lake, "documents")]
    [again] = run(lake, folder, Inspector()).batches
    assert again == batch
    assert [read_shards(lake, batch.name), table(lake, "documents")] == before
    assert len(table(lake, "sources")) == 3


def test_limit_takes_the_first_by_name(lake, folder):
    for name in "cab":
        (folder / name).write_bytes(name.encode())
    collection = Collection.compare(lake, [str(folder)], limit=2, password=None)
    assert [f.uri[-1] for batch in collection.batches for f in batch.objects] == ["a", "b"]
