"""A vLLM server of our own: started, waited for, watched, started again when it dies, and always ended.

The engine that asks the server sees an address that stays, whether it is ready, and one error when it is given up. How
vLLM is called is in `vllm_command`, one life of a process in `vllm_process`, why it died in `vllm_log`.

The ideas: one thread watches, and owns the process; all others only look or tell. A first start that fails would fail
again for the same reason, so the reason is told at once; a server that has served is started again, a few times. The
port is held by a socket of ours that never listens: vLLM may bind beside it, nobody else can take it between two lives.
"""

from __future__ import annotations

import logging
import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx

from tasks.errors import EngineLost, PagelakeError
from tasks.infer.engines.server_metrics import EngineMetrics, read_metrics
from tasks.infer.engines.stall_watch import StallWatch
from tasks.infer.engines.vllm_command import VllmLaunch, find_vllm, server_command
from tasks.infer.engines.vllm_environment import server_environment
from tasks.infer.engines.vllm_folder import clear_orphaned, make_folder, note_named
from tasks.infer.engines.vllm_log import death_reason, last_words
from tasks.infer.engines.vllm_process import VllmProcess, end_orphans, life_marks
from tasks.isolate import PoolClosed

_log = logging.getLogger(__name__)

_LOG_TAIL_BYTES = 2 << 20
_LAST_LINE_BYTES = 8 << 10
_HTTP_TIMEOUT_S = 5.0
_HEALTH_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class VllmLimits:
    """How patient we are.

    `deaths_in_a_row` counts from the last answer. It takes three to find the page that kills (see `retry.Tries`), one
    more for each other one beside it, and a restart may fail too. Deaths in all have no limit: a page that kills is
    found and passed, so a run with many gets on, and a server that only ever dies is given up by those in a row.
    `silence_s` is how long a server that starts may print nothing; `stall_s` how long one that has work may not move.
    """

    deaths_in_a_row: int = 10
    silence_s: float = 1800.0
    stall_s: float = 300.0
    look_pause_s: float = 2.0
    progress_pause_s: float = 15.0
    restart_pause_s: float = 2.0


class VllmFailed(EngineLost):
    """The server cannot be started, or died too often. `reason` is vLLM's own, `log` the file with all it printed."""

    def __init__(self, model: str, what: str, reason: str, log: Path) -> None:
        self.model, self.what, self.reason, self.log = model, what, reason, log
        super().__init__(f"vLLM with {model} {what}: {reason.rstrip('.')}. All that it printed is in {log}")


class VllmServer:
    """One server on this machine, and its successors. Thread-safe.

    Args:
        launch: What is served, and how.
        limits: When to give up.
        progress: Gets a sentence now and then while a start takes its time; by default it is logged.
        has_work: Whether a request of ours is unanswered. An engine that hung before it told of a request shows none.

    Raises:
        UsageError: vLLM is not there, or cannot be called like this.
    """

    def __init__(
        self,
        launch: VllmLaunch,
        *,
        limits: VllmLimits | None = None,
        progress: Callable[[str], None] | None = None,
        has_work: Callable[[], bool] = lambda: False,
    ) -> None:
        self._launch, self._limits = launch, limits or VllmLimits()
        self._progress, self._has_work = progress or _log.info, has_work
        self._port_holder = _hold_port()
        port = self._port_holder.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        try:
            self._command = server_command(find_vllm(), launch, port)
        except BaseException:
            self._port_holder.close()
            raise
        self.endpoint = f"{self._address}/v1"
        self._folder = make_folder()
        self._changed = threading.Condition()
        self._watcher = threading.Thread(target=self._watch, name="vllm-watcher", daemon=True)
        self._closing = threading.Event()
        self._process: VllmProcess | None = None
        self._ready = self._has_served = False
        self._failure: PagelakeError | None = None
        self._deaths = self._deaths_in_a_row = self._answers = 0
        self._peak_memory_bytes = 0
        self._metrics: EngineMetrics | None = None

    def __enter__(self) -> VllmServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Begin to start the server; may be called again."""
        with self._changed:
            if not self._closing.is_set() and self._watcher.ident is None:
                self._watcher.start()

    def wait_ready(self, timeout_s: float | None = None) -> bool:
        """Wait until the server takes requests, now or after the next start. False when `timeout_s` has passed.

        Raises:
            VllmFailed: it will not, with the reason.
            PoolClosed: `close` was called, before or meanwhile.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._failure or self._closing.is_set() or self.is_ready, timeout_s)
            if self._failure:
                raise self._failure
            if self._closing.is_set():
                raise PoolClosed("vLLM server")
            return self.is_ready

    @property
    def is_ready(self) -> bool:
        """Whether the server takes requests; False from the moment on in which it dies."""
        process = self._process
        return self._ready and process is not None and not process.has_ended

    @property
    def failure(self) -> PagelakeError | None:
        """Why the server is given up; None while it is not."""
        return self._failure

    @property
    def metrics(self) -> EngineMetrics | None:
        """The latest look at the server; None while it starts, or when it tells nothing."""
        return self._metrics

    @property
    def life(self) -> int:
        """How often the server has died so far: requests of different lives had different servers."""
        return self._deaths

    @property
    def peak_memory_bytes(self) -> int:
        """Largest resident memory that any of the server's processes has had so far."""
        return self._peak_memory_bytes

    def answered(self) -> None:
        """The server answered a request: what it died of before was not all that it can do."""
        self._deaths_in_a_row = 0
        self._answers += 1

    def order_to_end(self) -> None:
        """Begin to end every process of the server, and let nobody wait for it any more."""
        with self._changed:
            self._closing.set()
            if self._process:
                self._process.order_to_end()
            self._changed.notify_all()

    def close(self) -> None:
        """End every process of the server and wait until they are gone. May be called again, also while it starts."""
        self.order_to_end()
        if self._watcher.ident is not None:
            self._watcher.join()
        self._port_holder.close()
        if not self._failure:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _watch(self) -> None:
        try:
            if ended := end_orphans():
                _log.warning("%d processes of a vLLM server whose pagelake is gone were ended.", ended)
            clear_orphaned()
            while not self._closing.is_set():
                reason = self._live()
                if self._closing.is_set():
                    return
                self._note_death(reason)
                self._closing.wait(self._limits.restart_pause_s)
        except PagelakeError as failure:
            self._give_up(failure)
        except Exception as error:  # whoever waits must not wait for ever
            _log.exception("The watcher of the vLLM server failed.")
            self._give_up(VllmFailed(self._launch.model, "cannot be watched", str(error), self._folder))

    def _give_up(self, failure: PagelakeError) -> None:
        note_named(self._folder)
        with self._changed:
            self._failure, self._ready = failure, False
            self._changed.notify_all()

    def _live(self) -> str:
        """One life, from start to end; answers why it ended."""
        log = self._folder / f"vllm-{self._deaths + 1}.log"
        environment = server_environment(self._launch.environment, life_marks(), model=self._launch.model)
        process = VllmProcess(self._command, environment, log)
        with self._changed:
            self._process = process
            if self._closing.is_set():
                process.order_to_end()
        try:
            with httpx.Client(base_url=self._address, timeout=_HTTP_TIMEOUT_S, trust_env=False) as client:
                trouble = self._start_up(process, client) or self._serve(process, client)
            return trouble or death_reason(process.exit_status, process.printed(_LOG_TAIL_BYTES))
        finally:
            self._ready, self._metrics = False, None
            self._note_memory(process)
            if not process.close():
                _log.warning("Processes of the vLLM server are left that even SIGKILL has not ended yet.")

    def _start_up(self, process: VllmProcess, client: httpx.Client) -> str | None:
        """Until the server is healthy or dead; answers what is wrong when it is neither and will not be."""
        started_at = news_at = told_at = time.monotonic()
        printed_bytes = 0
        while not process.wait_ended(_HEALTH_PAUSE_S):
            now = time.monotonic()
            if _is_healthy(client):
                self._tell(f"vLLM is ready after {now - started_at:.0f} s.")
                with self._changed:
                    self._ready = self._has_served = True
                    self._changed.notify_all()
                return None
            size_bytes = process.log.stat().st_size
            if size_bytes != printed_bytes:
                printed_bytes, news_at = size_bytes, now
            if now - news_at >= self._limits.silence_s:
                said = last_words(process.printed(_LAST_LINE_BYTES))
                return f"it is not ready after {now - started_at:.0f} s, and printed nothing new for long; last: {said}"
            if now - told_at >= self._limits.progress_pause_s:
                told_at = now
                said = last_words(process.printed(_LAST_LINE_BYTES))
                self._tell(f"vLLM is starting ({now - started_at:.0f} s): {said or 'it has said nothing yet'}")
        return None

    def _serve(self, process: VllmProcess, client: httpx.Client) -> str | None:
        """Until the server dies, or hangs: then the answer says so."""
        watch = StallWatch(time.monotonic())
        while not process.wait_ended(self._limits.look_pause_s):
            self._metrics = _look(client)
            self._note_memory(process)
            now, answers = time.monotonic(), self._answers
            stalled_s = watch.stalled_s(self._metrics, self._has_work(), now, answers=answers)
            if stalled_s >= self._limits.stall_s:
                return f"it hangs: for {stalled_s:.0f} s nothing moved although there was work"
        return None

    def _note_death(self, reason: str) -> None:
        """Count a death.

        Raises:
            VllmFailed: that was one too many.
        """
        self._deaths += 1
        self._deaths_in_a_row += 1
        log = self._folder / f"vllm-{self._deaths}.log"
        if not self._has_served:
            raise VllmFailed(self._launch.model, "does not start", reason, log)
        if self._deaths_in_a_row >= self._limits.deaths_in_a_row:
            what = f"died {self._deaths_in_a_row} times without an answer between, the last time"
            raise VllmFailed(self._launch.model, what, reason, log)
        _log.warning("vLLM died, for the %d. time, and is started again: %s", self._deaths, reason)

    def _note_memory(self, process: VllmProcess) -> None:
        process.sample_memory()
        self._peak_memory_bytes = max(self._peak_memory_bytes, process.peak_memory_bytes)

    def _tell(self, sentence: str) -> None:
        with suppress(Exception):  # whoever is told may have gone wrong; the server has not
            self._progress(sentence)


def _hold_port() -> socket.socket:
    """A free port of the loopback, bound but not listening: only who also allows reuse, as servers do, can bind it."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


def _is_healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.HTTPError:
        return False


def _look(client: httpx.Client) -> EngineMetrics | None:
    try:
        response = client.get("/metrics")
    except httpx.HTTPError:
        return None
    return read_metrics(response.text) if response.is_success else None
