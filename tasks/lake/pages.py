"""Pages in and out of Parquet: streamed, a row group at a time, so that a shard never lies in memory whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from tasks.lake.rows import Page, TextLine
from tasks.lake.schemas import PAGES
from tasks.lake.shards import ROW_GROUP_BYTES, ROW_GROUP_PAGES
from tasks.lake.storage import LakeFolder, parquet_writer

READ_PAGES = 8
"""Pages read at once: a few megabytes of pictures."""

_PAGE_COLUMNS = PAGES.names


def write_pages(lake: LakeFolder, name: str, pages: Iterable[Page]) -> None:
    """Write pages as the lake's file `name`; nothing is visible until all of them are there."""
    with lake.new_file(name) as local, parquet_writer(local, PAGES) as writer:
        for group in _row_groups(pages):
            writer.write_batch(pa.RecordBatch.from_pylist([_row(page) for page in group], PAGES))


def _row_groups(pages: Iterable[Page]) -> Iterator[list[Page]]:
    group, size = list[Page](), 0
    for page in pages:
        group.append(page)
        size += len(page.image or b"")
        if len(group) == ROW_GROUP_PAGES or size >= ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def read_pages(lake: LakeFolder, name: str, *, images: bool = True) -> Iterator[Page]:
    """Stream the pages of the file `name`, in order; without `images` the pictures are not even read."""
    columns = [c for c in _PAGE_COLUMNS if images or c != "image"]
    for batch in lake.row_batches(name, READ_PAGES, columns):
        for row in batch.to_pylist():
            lines = tuple(_line(line) for line in row.pop("text_layer") or ())
            yield Page(**row, text_layer=lines)


def _row(page: Page) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(page, name) for name in _PAGE_COLUMNS}
    row["text_layer"] = [{name: getattr(line, name) for name in TextLine.__slots__} for line in page.text_layer]
    return row


def _line(line: dict) -> TextLine:
    word_x = tuple(line.pop("word_x") or ())
    return TextLine(**line, word_x=word_x)
