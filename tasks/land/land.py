"""Read the answers of one shard and write its elements: the file that makes a shard done for a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Protocol

import pyarrow as pa

from tasks.lake.pages import read_pages
from tasks.lake.rows import Element, Page
from tasks.lake.schemas import ELEMENTS
from tasks.lake.storage import LakeFolder
from tasks.lake.tables import elements_file, pages_file, responses_file
from tasks.land.agreement import text_layer_agreement


class Elements(Protocol):
    """What a reader of answers gives: elements in reading order, and the name of the profile that read them."""

    @property
    def elements(self) -> Iterable[Element]: ...

    @property
    def read_by(self) -> str: ...


ReadPageAnswer = Callable[[str, str | None, Page], Elements]
"""Reads one raw answer, got by one step of asking, about one page; never raises."""


def land_shard(
    lake: LakeFolder, shard: str, *, model: str, config: str, render_id: str, read_answer: ReadPageAnswer
) -> Counter[str]:
    """Write the shard's elements; answers how many there are of each category."""
    responses = lake.read_table(responses_file(model, config, shard), ["doc_id", "page_number", "text", "step"])
    answers = {(row["doc_id"], row["page_number"]): row for row in responses.to_pylist()}
    rows: list[dict[str, object]] = []
    for page in read_pages(lake, pages_file(render_id, shard), images=False):
        answer = answers.get((page.doc_id, page.page_number))
        if answer is not None and answer["text"] is not None:
            read = read_answer(answer["text"], answer.get("step"), page)
            rows.extend(_rows(page, read, model, config))
    lake.write_table(elements_file(model, config, shard), pa.Table.from_pylist(rows, ELEMENTS))
    return Counter(str(row["category"]) for row in rows)


def _rows(page: Page, read: Elements, model: str, config: str) -> Iterator[dict[str, object]]:
    for index, element in enumerate(read.elements):
        yield asdict(element) | {
            "doc_id": page.doc_id,
            "page_number": page.page_number,
            "config": config,
            "element_index": index,
            "model": model,
            "read_by": element.read_by or read.read_by,
            "text_layer_agreement": text_layer_agreement(element, page.text_layer) if page.has_text else None,
        }
