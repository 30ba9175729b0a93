"""The line on one machine: which shard is in which stage, in what order, and how many are on their way.

Rendering runs one shard at a time and ahead of reading; reading may begin the next shard while the last pages of one
are still out, so that no process waits at the border between two shards.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Collection as Items
from collections.abc import Iterable
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import UnfinishedRun
from prefect.futures import PrefectConcurrentFuture, PrefectFuture

from tasks.discover.changes import Batch
from tasks.discover.collection import Collection
from tasks.discover.task import discover
from tasks.errors import PagelakeError
from tasks.infer.engines.contract import Engine
from tasks.infer.models import reader_of
from tasks.infer.profile import PageSize, Profile, ReadAnswer
from tasks.infer.task import infer
from tasks.isolate import WorkerPool
from tasks.lake.redo import NOT_RENDERED, has_failures
from tasks.lake.rows import Page
from tasks.lake.shards import Shard, read_shards
from tasks.lake.storage import LakeFolder
from tasks.lake.tables import elements_file, elements_folder, pages_file, pages_folder, responses_file, responses_folder
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


@dataclass(frozen=True, slots=True)
class _Work:
    """What a shard still needs. `again`: the file is there, and its failed rows are to be done again."""

    render: bool
    render_again: bool
    read: bool
    read_again: bool


@dataclass
class Line:
    """Feeds shards through the stages; `elements` counts what was landed, by category, `shards` how many were."""

    lake: LakeFolder
    profile: Profile
    settings: RenderSettings
    renderers: WorkerPool
    engine: Engine
    run_id: str
    password: str | None = field(repr=False)
    retry_kinds: Items[str]
    retry_dpi: float | None
    log: logging.Logger | logging.LoggerAdapter[logging.Logger]
    progress: Progress = field(default_factory=Progress)
    elements: Counter[str] = field(default_factory=Counter)
    shards: int = 0

    def __post_init__(self) -> None:
        self.config = self.profile.config(self.settings.render_id)
        self._rendered = set(self.lake.parquet_files(pages_folder(self.settings.render_id)))
        self._answered = set(self.lake.parquet_files(responses_folder(self.profile.name, self.config)))
        self._landed = set(self.lake.parquet_files(elements_folder(self.profile.name, self.config)))
        self._kinds_to_ask_again = frozenset({*self.retry_kinds, NOT_RENDERED})
        self._in_flight: deque[tuple[PrefectFuture[Any], ...]] = deque()
        self._last_rendering: tuple[PrefectFuture[Any], ...] = ()
        self._readings: deque[PrefectFuture[Any]] = deque(maxlen=READINGS_AT_ONCE)
        self._artifact: UUID | None = None

    def discover(self, batch: Batch, collection: Collection) -> None:
        """Read a batch of objects, then send the shards that are cut from it on their way."""
        found, brought_in = self._result_of(
            discover.submit(
                batch,
                lake=self.lake,
                inspect=DocumentInspector(self.renderers, self.password, self.settings.page_timeout_s),
                known=collection.known_documents(self.lake, besides=batch),
                seen_before=collection.seen_before,
                threads=self.renderers.size + 2,
                run_id=self.run_id,
            )
        )
        collection.batch_was_read(batch, found, brought_in)
        self._send(read_shards(self.lake, batch.name), collection)

    def catch_up(self, collection: Collection) -> None:
        """Send on their way the older shards that hold a document of the collection and are not done."""
        for batch in collection.older_batches(self.lake):
            self._send(read_shards(self.lake, batch, collection.wanted), collection)

    def finish(self) -> None:
        """Wait for every shard that is on its way.

        Raises:
            RunStopped: a stage could not go on.
        """
        while self._in_flight:
            self._take_in_one()
        self._report_progress()

    def _send(self, shards: Iterable[Shard], collection: Collection) -> None:
        todo = [(shard, work) for shard in shards if (work := self._work_on(shard)) is not None]
        self.progress.expect(sum(shard.pages for shard, _ in todo))
        for shard, work in todo:
            while len(self._in_flight) >= SHARDS_IN_FLIGHT:
                self._take_in_one()
            self._in_flight.append(self._submit(shard, work, collection))

    def _work_on(self, shard: Shard) -> _Work | None:
        """What is missing of a shard, or worth another try; None when it is done."""
        rendered, answered = shard.name in self._rendered, shard.name in self._answered
        render_again = read_again = False
        if self.retry_kinds:
            pages = pages_file(self.settings.render_id, shard.name)
            answers = responses_file(self.profile.name, self.config, shard.name)
            render_again = rendered and has_failures(self.lake, pages, self.retry_kinds)
            read_again = answered and (render_again or has_failures(self.lake, answers, self._kinds_to_ask_again))
        if shard.name in self._landed and not (render_again or read_again):
            return None
        return _Work(not rendered or render_again, render_again, not answered or read_again, read_again)

    def _submit(self, shard: Shard, work: _Work, collection: Collection) -> tuple[PrefectFuture[Any], ...]:
        """Submit the stages that the shard needs; each waits for the one before."""
        if work.render_again or work.read_again:
            # It is not done any more: whoever is killed from here on leaves a shard that the next run takes up.
            self.lake.remove(elements_file(self.profile.name, self.config, shard.name))
        steps = list[PrefectFuture[Any]]()
        if work.render:
            steps.append(self._submit_rendering(shard, work.render_again, collection))
        if work.read:
            steps.append(self._submit_reading(shard, work.read_again, tuple(steps)))
        landing = land.submit(
            shard,
            tuple(steps),
            lake=self.lake,
            model=self.profile.name,
            config=self.config,
            render_id=self.settings.render_id,
            read_answer=self._read_answer,
            run_id=self.run_id,
        )
        return (*steps, landing)

    def _submit_rendering(self, shard: Shard, again: bool, collection: Collection) -> PrefectFuture[Any]:
        rendering = rasterize.submit(
            shard,
            lake=self.lake,
            uris=collection.uris({span.doc_id for span in shard.spans}),
            pool=self.renderers,
            settings=self.settings if not again or self.retry_dpi is None else self._other_dpi(self.retry_dpi),
            password=self.password,
            again=again,
            run_id=self.run_id,
            on_page=self.progress.page_rendered,
            wait_for=self._last_rendering,
        )
        self._last_rendering = (rendering,)
        return rendering

    def _other_dpi(self, dpi: float) -> RenderSettings:
        """For pages that failed: rendered otherwise, they stand among those of the render that they belong to."""
        return replace(self.settings, dpi=dpi, instead_of=self.settings.render_id)

    def _submit_reading(self, shard: Shard, again: bool, after: tuple[PrefectFuture[Any], ...]) -> PrefectFuture[Any]:
        turn = (self._readings[0],) if len(self._readings) == READINGS_AT_ONCE else ()
        reading = infer.submit(
            shard,
            lake=self.lake,
            profile=self.profile,
            engine=self.engine,
            render_id=self.settings.render_id,
            run_id=self.run_id,
            again=self._kinds_to_ask_again if again else (),
            on_page=self.progress.page_read,
            wait_for=(*after, *turn),
        )
        self._readings.append(reading)
        return reading

    def _read_answer(self, text: str, step: str | None, page: Page) -> ReadAnswer:
        return reader_of(self.profile, step).read_answer(text, PageSize.of(page))

    def _take_in_one(self) -> None:
        """Wait for the oldest shard. Where a stage failed, its message is the one to tell, not its followers'."""
        *steps, landing = self._in_flight.popleft()
        for step in steps:
            self._result_of(step)
        self.elements.update(self._result_of(landing))
        self.shards += 1

    def _result_of(self, future: PrefectFuture[R]) -> R:
        """Wait for a task, telling the progress meanwhile.

        Raises:
            RunStopped: the task failed in a way that we know.
        """
        while not _is_done(future):
            self._report_progress()
        try:
            return future.result()
        except (PagelakeError, UnfinishedRun) as error:
            problem = str(error).rstrip(".")
            raise RunStopped(f"{problem}. What is done stays in the lake; run it again to go on.") from error

    def _report_progress(self) -> None:
        if not self.progress.total:
            return
        self.log.info(self.progress.sentence())
        if self._artifact is None:
            made = create_progress_artifact(self.progress.percent, key="pages-read", description="pages read")
            self._artifact = cast("UUID", made)  # a coroutine only where the caller is one
        else:
            update_progress_artifact(self._artifact, self.progress.percent, self.progress.sentence())


def _is_done(future: PrefectFuture[Any]) -> bool:
    """Wait a little. Not by `result(timeout=…)`: a time-out that the task itself raised would look like ours."""
    running = cast("PrefectConcurrentFuture[Any]", future).wrapped_future
    return bool(wait([running], timeout=PROGRESS_EVERY_S).done)
