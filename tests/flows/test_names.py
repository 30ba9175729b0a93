"""Objects of any name: each is in the lake under just that name, and nothing is written anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
from plain_pdf import write_pdf

from tasks.discover.collection import Collection
from tasks.discover.discover import read_batch, write_batch
from tasks.errors import DocumentError
from tasks.lake.prepare import prepare_lake
from tasks.lake.shards import read_shards
from tasks.objects import local_copy
from tasks.rasterize.inspect import DocumentInspector
from tasks.rasterize.rasterize import RenderSettings, open_renderers
from tasks.rasterize.shard import rasterize_shard

NAMES = [
    *("..a.pdf", "a..", "...", "..%2f..%2fetc%2fpasswd.pdf", "a%2Fb.pdf", "%2e%2e", "%00.pdf", "100%.pdf", "%41.pdf"),
    *("two\nlines.pdf", "tab\tand\rreturn.pdf", "bell\x07 and \x1b[31mred.pdf", " blank ", "\u202efdp.exe"),
    *("emoji 🦆👩‍👩‍👧.pdf", "é as two: e\u0301.pdf", "湖.pdf", "\U0001d4b3.pdf"),
    *(
        "-rf",
        "--lake=elsewhere.pdf",
        "-",
        "~",
        "~root",
        "$HOME.pdf",
        "`id`.pdf",
        "a;b|c&d.pdf",
        "*.pdf",
        "[a].pdf",
        "?",
    ),
    *("no extension", "picture.png", "page.html", ".pdf", ".hidden", "a.pdf.", "CON", "NUL.pdf", "a:b.pdf", "a::b.pdf"),
    *("'; DROP TABLE elements; --.pdf", '"quoted".pdf', "@{lake}.pdf", "{uri}.pdf", "%s%n.pdf", "back\\slash.pdf"),
    *("_unfinished", "lake.duckdb", "_schema.parquet", "x.parquet", "render=1", "#fragment?query=1.pdf", "n" * 250),
]
IN_FOLDERS = ["deep/" * 60 + "a.pdf", "a b/ c /d.pdf", "pages/x.pdf", "-d/-f.pdf", "%2F/%2F.pdf"]
ONLY_IN_OBJECT_STORES = ["a/../b.pdf", "../outside.pdf", "a/./b.pdf", "k" * 1024, "dir/" + "x" * 1000 + ".pdf"]


@pytest.fixture
def page(tmp_path) -> bytes:
    return write_pdf(tmp_path / "page.pdf", pages=1).read_bytes()


@pytest.fixture
def memory_url() -> Iterator[str]:
    fs = fsspec.filesystem("memory")
    yield "memory://names"
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


def distinct(page: bytes, number: int) -> bytes:
    """The same page as another document."""
    return page + f"\n% {number}\n".encode()


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.integration
def test_every_name_is_read_and_kept_and_nothing_is_written_elsewhere(pagelake, page, tmp_path):
    collection, lake = tmp_path / "in", tmp_path / "lake"
    names = [*NAMES, *IN_FOLDERS]
    for number, name in enumerate(names):
        (collection / name).parent.mkdir(parents=True, exist_ok=True)
        (collection / name).write_bytes(distinct(page, number))
    before = everything_in(tmp_path) | {"lake"}
    ended = pagelake("ingest", collection, "--lake", lake, "--dpi", "30")
    assert ended.returncode == 0, ended.stderr
    assert f"{len(names)} pages read" in ended.stdout
    assert "No failures." in ended.stdout
    assert {name for name in everything_in(tmp_path) - before if not name.startswith("lake/")} == set()
    query = "SELECT uri FROM objects JOIN documents USING (doc_id) JOIN pages USING (doc_id) WHERE pages.status = 'ok'"
    answer = pagelake("sql", query, "--lake", lake, "--format", "json")
    assert {row["uri"] for row in json.loads(answer.stdout)} == {f"file://{collection}/{name}" for name in names}
    assert "Nothing to do" in pagelake("ingest", collection, "--lake", lake, "--dpi", "30").stdout


@pytest.mark.integration
def test_a_file_named_like_an_option_is_given_after_two_dashes(pagelake, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-rf").write_bytes(page)
    ended = pagelake("ingest", "--lake", tmp_path / "lake", "--", "-rf")
    assert "1 pages read" in ended.stdout, ended.stderr


@pytest.mark.integration
def test_keys_of_an_object_store_are_kept_as_they_are(page, tmp_path, memory_url):
    keys = [*NAMES, *IN_FOLDERS, *ONLY_IN_OBJECT_STORES]
    fs = fsspec.filesystem("memory")
    root = "/names"
    for number, key in enumerate(keys):
        with fs.open(f"{root}/{key}", "wb") as file:
            file.write(distinct(page, number))
    before = everything_in(tmp_path)
    lake = prepare_lake(str(tmp_path / "lake"))
    collection = Collection.compare(lake, [memory_url], limit=None, password=None)
    settings = RenderSettings(dpi=30)
    with open_renderers(2) as pool:
        inspect = DocumentInspector(pool, None, 30)
        for batch in collection.batches:
            read = read_batch(batch, inspect, known=set(), threads=2)
            write_batch(lake, batch, read, known=set(), seen_before=frozenset(), seen_at=datetime.now(UTC), run_id="r")
            assert [(one.found.uri, one.error) for one in read if one.error] == []
            uris = {one.doc_id: one.found.uri for one in read if one.doc_id}
            for shard in read_shards(lake, batch.name):
                rasterize_shard(lake, shard, uris=uris, pool=pool, settings=settings)
    seen = {one["uri"] for name in lake.parquet_files("sources") for one in _rows(lake, f"sources/{name}.parquet")}
    assert seen == {f"memory:///names/{key}" for key in keys}
    assert {
        name for name in everything_in(tmp_path) - before if name != "lake" and not name.startswith("lake/")
    } == set()


def _rows(lake, name):
    return lake.read_table(name).to_pylist()


@pytest.mark.parametrize("name", [*NAMES, *ONLY_IN_OBJECT_STORES])
def test_a_uri_that_holds_nothing_is_an_error_that_a_row_can_hold(memory_url, tmp_path, name):
    for uri in (f"{memory_url}/missing/{name}", f"file://{tmp_path}/missing/{name}"):
        with pytest.raises(DocumentError) as caught, local_copy(uri):
            pass
        assert caught.value.kind in ("vanished", "unreadable_source")
        assert len(str(caught.value).splitlines()) == 1
