"""The stages one after the other as plain functions: no Prefect, and neither collection nor lake on the local disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import fsspec
import pytest
from plain_pdf import write_pdf

from tasks.discover.collection import Collection
from tasks.discover.discover import read_batch, write_batch
from tasks.infer.infer import infer_shard
from tasks.infer.models import DEFAULT_MODEL, find_profile
from tasks.infer.open_engine import EngineOptions, open_engine
from tasks.infer.profile import PageSize
from tasks.isolate import WorkerPool
from tasks.lake.catalog import lake_status, open_catalog
from tasks.lake.prepare import prepare_lake
from tasks.lake.shards import Shard, read_shards
from tasks.lake.storage import LakeFolder
from tasks.land.land import land_shard
from tasks.rasterize.inspect import DocumentInspector
from tasks.rasterize.rasterize import RenderSettings, open_renderers
from tasks.rasterize.shard import rasterize_shard

SETTINGS = RenderSettings(dpi=50)
PROFILE = find_profile(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def renderers() -> Iterator[WorkerPool]:
    with open_renderers(2) as pool:
        yield pool


@pytest.fixture
def collection_url(tmp_path) -> Iterator[str]:
    memory = fsspec.filesystem("memory")
    for name, pages in (("a", 2), ("b", 3)):
        memory.pipe(f"/in/{name}.pdf", write_pdf(tmp_path / f"{name}.pdf", pages).read_bytes())
    yield "memory://in"
    memory.rm("/in", recursive=True)


@pytest.fixture
def lake() -> Iterator[LakeFolder]:
    yield prepare_lake("memory://lake-of-plain-functions")
    fsspec.filesystem("memory").rm("/lake-of-plain-functions", recursive=True)


def discover(lake: LakeFolder, url: str, renderers: WorkerPool) -> tuple[Collection, list[Shard]]:
    collection = Collection.compare(lake, [url], limit=None, password=None)
    [batch] = collection.batches
    read = read_batch(batch, DocumentInspector(renderers, None, 60), known=set(), threads=2)
    now = datetime.now(UTC)
    new = write_batch(lake, batch, read, known=set(), seen_before=frozenset(), seen_at=now, run_id="r")
    collection.batch_was_read(batch, {r.found.uri: r.doc_id for r in read if r.doc_id}, new)
    return collection, read_shards(lake, batch.name)


def test_from_objects_in_memory_to_elements_in_memory(collection_url, lake, renderers):
    collection, [shard] = discover(lake, collection_url, renderers)
    rasterize_shard(
        lake, shard, uris=collection.uris({span.doc_id for span in shard.spans}), pool=renderers, settings=SETTINGS
    )
    with open_engine(PROFILE, EngineOptions(), workers=1) as engine:
        done = infer_shard(lake, shard.name, profile=PROFILE, engine=engine, render_id=SETTINGS.render_id, run_id="r")
    found = land_shard(
        lake,
        shard.name,
        model=PROFILE.name,
        config=PROFILE.config(SETTINGS.render_id),
        render_id=SETTINGS.render_id,
        read_answer=lambda text, _, page: PROFILE.read_answer(text, PageSize.of(page)),
    )
    assert done.pages == found.total() == 5
    assert 0.0 < done.busy_fraction <= 1.0
    with closing(open_catalog(lake)) as catalog:
        texts = catalog.sql("SELECT uri, text FROM elements JOIN document_uris USING (doc_id) ORDER BY ALL").fetchall()
        status = lake_status(catalog)
    assert [(uri, text.lstrip("# ")) for uri, text in texts] == [
        (f"memory:///in/{name}.pdf", f"{name} page {number}") for name, number in ("a1", "a2", "b1", "b2", "b3")
    ]
    assert not status.failures
    assert status.left_to_do[0]["pages_left"] == 0


def test_a_document_that_is_gone_or_changed_when_its_turn_comes_fails_page_by_page(collection_url, lake, renderers):
    collection, [shard] = discover(lake, collection_url, renderers)
    memory = fsspec.filesystem("memory")
    memory.rm("/in/a.pdf")
    memory.pipe("/in/b.pdf", b"something else")
    rasterize_shard(
        lake, shard, uris=collection.uris({span.doc_id for span in shard.spans}), pool=renderers, settings=SETTINGS
    )
    rows = lake.read_table(f"pages/render={SETTINGS.render_id}/{shard.name}.parquet").to_pylist()
    assert [(row["page_number"], row["status"], row["error_kind"]) for row in rows] == [
        (number, "failed", "vanished") for number in (1, 2, 1, 2, 3)
    ]
