"""The line on one machine: which shard is in which stage, in what order, and how many are on their way.

Rendering runs one shard at a time and ahead of reading; reading may begin the next shard while the last pages of one
are still out, so that no process waits at the border between two shards.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import FailedRun, UnfinishedRun
from prefect.futures import PrefectFuture

from tasks.discover.changes import Batch
from tasks.discover.collection import Collection
from tasks.discover.task import discover
from tasks.errors import PagelakeError
from tasks.infer.engines.contract import Engine
from tasks.infer.profile import ModelProfile, PageSize, ReadAnswer
from tasks.infer.task import infer
from tasks.isolate import WorkerPool
from tasks.lake.rows import Page
from tasks.lake.shards import Shard, read_shards
from tasks.lake.storage import LakeFolder
from tasks.lake.tables import elements_folder, pages_folder, responses_folder
from tasks.land.task import land
from tasks.rasterize.inspect import DocumentInspector
from tasks.rasterize.rasterize import RenderSettings
from tasks.rasterize.task import rasterize
from tasks.report.progress import Progress

R = TypeVar("R")

SHARDS_IN_FLIGHT = 3
"""One being read, one that begins or ends, one being rendered."""

READINGS_AT_ONCE = 2
"""Shards that share the engine: the second fills the places that the first one's last pages leave."""

PROGRESS_EVERY_S = 10.0


class RunStopped(PagelakeError):
    """A stage could not go on. What is in the lake stays; the same run goes on from there."""


@dataclass
class Line:
    """Feeds shards through the stages; `elements` counts what was landed, by category."""

    lake: LakeFolder
    profile: ModelProfile
    settings: RenderSettings
    renderers: WorkerPool
    engine: Engine
    run_id: str
    password: str | None = field(repr=False)
    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    progress: Progress = field(default_factory=Progress)
    elements: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.config = self.profile.config(self.settings.render_id)
        self._rendered = set(self.lake.parquet_files(pages_folder(self.settings.render_id)))
        self._answered = set(self.lake.parquet_files(responses_folder(self.profile.name, self.config)))
        self._landed = set(self.lake.parquet_files(elements_folder(self.profile.name, self.config)))
        self._in_flight: deque[tuple[PrefectFuture[Any], ...]] = deque()
        self._last_rendering: tuple[PrefectFuture[Any], ...] = ()
        self._readings: deque[PrefectFuture[Any]] = deque(maxlen=READINGS_AT_ONCE)
        self._artifact: UUID | None = None

    def discover(self, batch: Batch, collection: Collection) -> None:
        """Read a batch of objects, then send the shards that are cut from it on their way."""
        known = collection.known_documents(besides=batch)
        found, brought_in = self._result_of(
            discover.submit(
                batch,
                lake=self.lake,
                inspect=DocumentInspector(self.renderers, self.password, self.settings.page_timeout_s),
                known=known,
                seen_before=collection.seen_before,
                threads=self.renderers.size + 2,
                run_id=self.run_id,
            )
        )
        collection.batch_was_read(batch, found, brought_in)
        self._send(read_shards(self.lake, batch.name), collection)

    def catch_up(self, collection: Collection) -> None:
        """Send on their way the older shards that hold a document of the collection and are not done."""
        wanted = frozenset(collection.uris)
        for batch in collection.older_batches():
            self._send(read_shards(self.lake, batch, wanted), collection)

    def finish(self) -> None:
        """Wait for every shard that is on its way.

        Raises:
            RunStopped: a stage could not go on.
        """
        while self._in_flight:
            self._take_in_one()
        self._report_progress()

    def _send(self, shards: Iterable[Shard], collection: Collection) -> None:
        todo = [shard for shard in shards if shard.name not in self._landed]
        self.progress.expect(sum(shard.pages for shard in todo))
        for shard in todo:
            while len(self._in_flight) >= SHARDS_IN_FLIGHT:
                self._take_in_one()
            self._in_flight.append(self._submit(shard, collection))

    def _submit(self, shard: Shard, collection: Collection) -> tuple[PrefectFuture[Any], ...]:
        """Submit the stages that the shard still needs; each waits for the one before."""
        render_id, steps = self.settings.render_id, list[PrefectFuture[Any]]()
        if shard.name not in self._rendered:
            rendering = rasterize.submit(
                shard,
                lake=self.lake,
                uris=collection.uris,
                pool=self.renderers,
                settings=self.settings,
                password=self.password,
                run_id=self.run_id,
                on_page=self.progress.page_rendered,
                wait_for=self._last_rendering,
            )
            self._last_rendering = (rendering,)
            steps.append(rendering)
        if shard.name not in self._answered:
            reading = infer.submit(
                shard,
                lake=self.lake,
                profile=self.profile,
                engine=self.engine,
                render_id=render_id,
                run_id=self.run_id,
                on_page=self.progress.page_read,
                wait_for=(*steps, *self._reading_to_wait_for()),
            )
            self._readings.append(reading)
            steps.append(reading)
        landing = land.submit(
            shard,
            tuple(steps),
            lake=self.lake,
            model=self.profile.name,
            config=self.config,
            render_id=render_id,
            read_answer=self._read_answer,
            run_id=self.run_id,
        )
        return (*steps, landing)

    def _reading_to_wait_for(self) -> tuple[PrefectFuture[Any], ...]:
        return (self._readings[0],) if len(self._readings) == READINGS_AT_ONCE else ()

    def _read_answer(self, text: str, page: Page) -> ReadAnswer:
        return self.profile.read_answer(text, PageSize.of(page))

    def _take_in_one(self) -> None:
        """Wait for the oldest shard. Where a stage failed, its message is the one to tell, not its followers'."""
        *steps, landing = self._in_flight.popleft()
        for step in steps:
            self._result_of(step)
        self.elements.update(self._result_of(landing))

    def _result_of(self, future: PrefectFuture[R]) -> R:
        while True:
            try:
                return future.result(timeout=PROGRESS_EVERY_S)
            except TimeoutError:
                self._report_progress()
            except (FailedRun, UnfinishedRun) as error:
                raise RunStopped(f"{error} What is done stays in the lake; run it again to go on.") from error

    def _report_progress(self) -> None:
        if not self.progress.total:
            return
        self.log.info(self.progress.sentence())
        if self._artifact is None:
            made = create_progress_artifact(self.progress.percent, key="pages-read", description="pages read")
            self._artifact = cast("UUID", made)  # a coroutine only where the caller is one
        else:
            update_progress_artifact(self._artifact, self.progress.percent, self.progress.sentence())
