"""Pages per second of the rasterize stage, beside the limit: PDFium and a JPEG encoder in as many processes as cores.

    python tests/benchmarks/bench_rasterize.py FOLDER [--dpi 200] [--pages 400] [--rounds 3]

The limit opens the same documents, renders the same pages with the fastest pixel format, encodes the same JPEGs and
throws them away: no text layer, no ink, no parent to hand pages to, no worker that may die. Rounds of the two
alternate, because a machine's speed drifts; the best round of each counts.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pypdfium2 as pdfium

from tasks.errors import DocumentError
from tasks.isolate import WorkerPool
from tasks.rasterize.inspect import inspect_document
from tasks.rasterize.rasterize import UNIT_PAGES, LocalSpan, RenderSettings, open_renderers, rasterize_pages

_open: dict[str, pdfium.PdfDocument] = {}


def limit_unit(unit: tuple[str, int, int, float, int]) -> int:
    path, first, last, dpi, quality = unit
    if path not in _open:
        for document in _open.values():
            document.close()
        _open.clear()
        _open[path] = pdfium.PdfDocument(path)
    for number in range(first, last + 1):
        page = _open[path][number - 1]
        picture = page.render(scale=dpi / 72, prefer_bgrx=True, rev_byteorder=True).to_pil()
        picture.save(io.BytesIO(), "JPEG", quality=quality)
        page.close()
    return last - first + 1


def find_spans(pool: WorkerPool, folder: Path, max_pages: int) -> list[LocalSpan]:
    spans, room = [], max_pages
    for path in sorted(folder.rglob("*.pdf")):
        try:
            pages = inspect_document(pool, str(path), None, 60).page_count
        except DocumentError as error:
            print(f"left out: {path.name}: {error}")
            continue
        spans.append(LocalSpan(path.name, str(path), "application/pdf", 1, min(pages, room)))
        room -= spans[-1].pages
        if room <= 0:
            break
    return spans


def measure_limit(spans: list[LocalSpan], settings: RenderSettings, processes: int) -> float:
    units = [
        (span.path, first, min(first + UNIT_PAGES - 1, span.last_page), settings.dpi, settings.jpeg_quality)
        for span in spans
        for first in range(span.first_page, span.last_page + 1, UNIT_PAGES)
    ]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(limit_unit, units[:processes])  # imports, and a first look at the fonts
        started = time.perf_counter()
        pages = sum(pool.imap_unordered(limit_unit, units))
        return pages / (time.perf_counter() - started)


def measure_rasterize(pool: WorkerPool, spans: list[LocalSpan], settings: RenderSettings) -> tuple[float, int, int]:
    started, size, failed = time.perf_counter(), 0, 0
    pages = 0
    for page in rasterize_pages(pool, spans, settings):
        pages += 1
        size += len(page.image or b"")
        failed += page.status != "ok"
    return pages / (time.perf_counter() - started), size // max(1, pages), failed


@contextmanager
def peak_memory_of_tree() -> Generator[list[int]]:
    """Largest sum of resident memory of this process and all below it; pages that they share count several times."""
    peak, done, me = [0], threading.Event(), psutil.Process()

    def watch() -> None:
        while not done.wait(0.05):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dpi", type=float, default=200)
    parser.add_argument("--pages", type=int, default=400, help="at most so many")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    settings, processes = RenderSettings(dpi=arguments.dpi), os.cpu_count() or 1
    limits, speeds = [], []
    with open_renderers(processes) as pool:
        spans = find_spans(pool, arguments.folder, arguments.pages)
        list(rasterize_pages(pool, spans[:processes], settings))
        pages = sum(span.pages for span in spans)
        print(f"{len(spans)} documents, {pages} pages, {processes} processes, {settings.render_id}")
        for number in range(arguments.rounds):
            limits.append(measure_limit(spans, settings, processes))
            with peak_memory_of_tree() as peak:
                speed, size, failed = measure_rasterize(pool, spans, settings)
            speeds.append(speed)
            print(
                f"round {number + 1}: limit {limits[-1]:6.1f} pages/s, rasterize {speed:6.1f} pages/s "
                f"({size / 1000:.0f} kB a page, {failed} failed), ratio {speed / limits[-1]:.2f}, "
                f"peak memory {peak[0] / 1e6:.0f} MB"
            )
        print(f"largest worker: {pool.peak_memory_bytes / 1e6:.0f} MB")
    print(f"best: limit {max(limits):.1f}, rasterize {max(speeds):.1f} pages/s, ratio {max(speeds) / max(limits):.2f}")


if __name__ == "__main__":
    main()
