"""Pages per second of the chat engine against an endpoint that answers at once, in a process of its own.

    python tests/benchmarks/bench_chat.py [FOLDER] [--pages 190] [--dpi 200] [--side 1288] [--workers 2] [--rounds 3]

The pages are those of the PDFs in FOLDER, or synthetic ones, stored as the lake stores them (JPEG, quality 95). Three
ways: stored at `--dpi` and sent as they are; stored at `--side` pixels on the longest side and sent as they are; stored
at `--dpi` and resized to `--side` by the engine's own processes. The best round of each counts. Rendering is not part
of it. Nothing is said of what a model takes: this is the most that the engine can feed.
"""

from __future__ import annotations

import argparse
import io
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pypdfium2 as pdfium
from PIL import Image, ImageDraw

from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.chat_recipe import ChatStep, PixelSize, Verdict
from tasks.lake.rows import Page

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class BenchRecipe:
    """One question; pages in the stored size, or with a longest side."""

    longest_side: int | None = None
    image_format: None = None

    @property
    def steps(self) -> Sequence[ChatStep]:
        return [
            ChatStep("only", _messages, {"max_tokens": 16, "temperature": 0}, lambda text, reason: Verdict("ok", 0))
        ]

    def prepared_size(self, width: int, height: int) -> PixelSize | None:
        if self.longest_side is None:
            return None
        scale = self.longest_side / max(width, height)
        return round(width * scale), round(height * scale)


def _messages(image: str, size: PixelSize) -> list[dict[str, object]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": image}}]}]


def real_pages(folder: Path, count: int, dpi: float, side: int | None) -> Iterator[Image.Image]:
    for path in sorted(folder.rglob("*.pdf")):
        try:
            document = pdfium.PdfDocument(path)
        except pdfium.PdfiumError:
            continue
        for page in itertools.islice(document, 10):  # many documents rather than one long one
            scale = side / max(page.get_size()) if side else dpi / 72
            yield page.render(scale=scale).to_pil().convert("RGB")
            count -= 1
            if count == 0:
                return


def synthetic_pages(count: int, dpi: float, side: int | None) -> Iterator[Image.Image]:
    height = side or round(11.69 * dpi)
    width = round(height * 8.27 / 11.69)
    random = np.random.default_rng(0)
    for number in range(count):
        image = Image.new("RGB", (width, height), "white")
        draw = ImageDraw.Draw(image)
        for y in range(height // 20, height * 19 // 20, height // 60):
            words = " ".join("x" * length for length in random.integers(1, 9, 14))
            draw.text((width // 12, y), f"{number} {words}", fill="black", font_size=height / 75)
        yield image


def stored(images: Iterator[Image.Image]) -> list[Page]:
    pages = []
    for number, image in enumerate(images, 1):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=95)
        pages.append(Page("bench", number, None, None, None, file.getvalue(), "jpeg", image.width, image.height))
    return pages


def measure(url: str, stand_in_pid: int, pages: list[Page], recipe: BenchRecipe, workers: int) -> tuple[float, int]:
    """Pages per second, and the peak memory of this process and the engine's."""
    with ChatEngine([url], model="stand-in", recipe=recipe, workers=workers) as engine:
        list(engine.answer(pages[:8]))  # connections; processes that import OpenCV
        peak, over, me = 0, threading.Event(), psutil.Process()

        def watch() -> None:
            nonlocal peak
            while not over.wait(0.02):
                peak = max(peak, sum(one.memory_info().rss for one in (me, *me.children()) if one.pid != stand_in_pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        started = time.perf_counter()
        answers = list(engine.answer(pages))
        seconds = time.perf_counter() - started
        over.set()
        watcher.join()
    assert [answer.text for answer in answers] == ["instant"] * len(pages), answers[0]
    return len(pages) / seconds, peak


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--pages", type=int, default=190)
    parser.add_argument("--dpi", type=float, default=200)
    parser.add_argument("--side", type=int, default=1288)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    def pages(side: int | None) -> list[Page]:
        if options.folder:
            return stored(real_pages(options.folder, options.pages, options.dpi, side))
        return stored(synthetic_pages(options.pages, options.dpi, side))

    large, small = pages(None), pages(options.side)
    stand_in = Path(__file__).parents[1] / "stand_in_server.py"
    with subprocess.Popen([sys.executable, stand_in], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        try:
            for name, there, recipe in (
                (f"{options.dpi:g} dpi, sent as stored", large, BenchRecipe()),
                (f"{options.side} px, sent as stored", small, BenchRecipe()),
                (f"{options.dpi:g} dpi, resized to {options.side} px", large, BenchRecipe(options.side)),
            ):
                rounds = [measure(url, server.pid, there, recipe, options.workers) for _ in range(options.rounds)]
                kilobytes = sum(len(page.image or b"") for page in there) / len(there) / 1024
                print(f"{name:32} {len(there):4} pages of {kilobytes:5.0f} kB", end=" ")
                print(f"{max(r for r, _ in rounds):6.1f} pages/s", end=" ")
                print(f"(peak {max(p for _, p in rounds) / MEGABYTE:,.0f} MB, the stored pages included)", flush=True)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
