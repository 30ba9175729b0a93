"""The explicit Parquet schemas of every table, in one place, with a comment for every column.

Column comments travel in the Parquet files (field metadata) and become `COMMENT ON COLUMN` in `lake.duckdb`.
`SCHEMA_VERSION` goes up when a column changes its meaning; a new column does not need it (readers unite by name).
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = "1"

TEXT_LINE = pa.struct(
    [
        ("text", pa.string()),
        ("x0", pa.float32()),
        ("y0", pa.float32()),
        ("x1", pa.float32()),
        ("y1", pa.float32()),
        ("font_size", pa.float32()),
        ("bold", pa.bool_()),
        ("word_x", pa.list_(pa.field("element", pa.float32()))),
    ]
)


def _table(name: str, *columns: tuple[str, pa.DataType, str]) -> pa.Schema:
    fields = [pa.field(column, kind, metadata={"comment": comment}) for column, kind, comment in columns]
    return pa.schema(fields, metadata={"pagelake_table": name, "pagelake_schema_version": SCHEMA_VERSION})


_DOC_ID = ("doc_id", pa.string(), "SHA-256 of the document's bytes, hexadecimal")
_PAGE_NUMBER = ("page_number", pa.int32(), "page of the document, from 1")
_CONFIG = ("config", pa.string(), "short hash of all that shapes an answer: model, prompt, sampling, image, reader")
_MODEL = ("model", pa.string(), "name of the model profile")
_STATUS = ("status", pa.string(), "ok or failed; responses know more, see the README")
_ERROR_KIND = ("error_kind", pa.string(), "what went wrong, one word; null when nothing did")
_ERROR = ("error", pa.string(), "what went wrong and what to do, a sentence")
_RUN_ID = ("run_id", pa.string(), "the run that wrote the row; in Prefect, the flow run's id")

SOURCES = _table(
    "sources",
    ("uri", pa.string(), "where the object was seen"),
    ("seen_at", pa.timestamp("us", "UTC"), "when it was seen"),
    ("event", pa.string(), "added or changed; removed is for what will watch deletions"),
    ("size", pa.int64(), "bytes, as listed"),
    ("etag", pa.string(), "the storage's own version mark, where it has one"),
    ("modified_at", pa.timestamp("us", "UTC"), "last modification, as listed"),
    ("doc_id", pa.string(), "the content found there; null when it could not be read"),
    _RUN_ID,
    _ERROR_KIND,
    _ERROR,
)

DOCUMENTS = _table(
    "documents",
    _DOC_ID,
    ("media_type", pa.string(), "by content, not by name; null when it is none that pagelake reads"),
    ("bytes", pa.int64(), "size of the content"),
    ("page_count", pa.int32(), "pages; for images, frames"),
    ("title", pa.string(), "from the document's own metadata"),
    ("author", pa.string(), "from the document's own metadata"),
    _STATUS,
    _ERROR_KIND,
    _ERROR,
)

PAGES = _table(
    "pages",
    _DOC_ID,
    _PAGE_NUMBER,
    ("width", pa.float64(), "points (1/72 inch), as displayed"),
    ("height", pa.float64(), "points (1/72 inch), as displayed"),
    ("rotation", pa.int16(), "degrees clockwise that were applied"),
    ("image", pa.binary(), "the page's picture, encoded"),
    ("image_format", pa.string(), "jpeg or png"),
    ("image_width", pa.int32(), "pixels"),
    ("image_height", pa.int32(), "pixels"),
    ("dpi", pa.float64(), "pixels per inch of the picture"),
    (
        "text_layer",
        pa.list_(pa.field("element", TEXT_LINE)),
        "lines of the PDF's own text: text, box in points, font size, bold, word edges",
    ),
    ("has_text", pa.bool_(), "whether the page has a text layer"),
    ("ink", pa.float32(), "fraction of dark pixels"),
    _STATUS,
    _ERROR_KIND,
    _ERROR,
)

RESPONSES = _table(
    "responses",
    _DOC_ID,
    _PAGE_NUMBER,
    _CONFIG,
    _MODEL,
    ("text", pa.string(), "what the model said, as it said it"),
    ("finish_reason", pa.string(), "why the model stopped"),
    ("status", pa.string(), "ok, repaired, truncated, looped, unparsed or failed"),
    ("attempts", pa.int32(), "how often the model was asked"),
    ("step", pa.string(), "the way of asking that gave the text, where there are several"),
    (
        "tried",
        pa.list_(pa.field("element", pa.string())),
        "what became of each way of asking, as name: status; counted where a page is many",
    ),
    ("prompt_tokens", pa.int64(), "null when the engine has no tokens"),
    ("completion_tokens", pa.int64(), "null when the engine has no tokens"),
    ("seconds", pa.float64(), "from asking to answer"),
    _ERROR_KIND,
    _ERROR,
    _RUN_ID,
)

ELEMENTS = _table(
    "elements",
    _DOC_ID,
    _PAGE_NUMBER,
    _CONFIG,
    ("element_index", pa.int32(), "reading order on the page, from 0"),
    _MODEL,
    ("read_by", pa.string(), "the profile that read it: the model, what it fell back to, or the last resort"),
    ("category", pa.string(), "one of the eleven"),
    ("raw_category", pa.string(), "the model's own label"),
    ("x0", pa.float64(), "left edge, points from the left of the page as displayed"),
    ("y0", pa.float64(), "upper edge, points from the top of the page as displayed"),
    ("x1", pa.float64(), "right edge, points"),
    ("y1", pa.float64(), "lower edge, points"),
    ("text", pa.string(), "content, in the format that text_format names"),
    ("text_format", pa.string(), "markdown, html, latex or plain"),
    ("confidence", pa.float32(), "0 to 1, where the model has one"),
    ("text_layer_agreement", pa.float32(), "0 to 1: how much of the text the PDF's text layer confirms in the box"),
)

RUNS = _table(
    "runs",
    _RUN_ID,
    ("stage", pa.string(), "discover, rasterize or infer"),
    ("shard", pa.string(), "the unit of work"),
    ("started_at", pa.timestamp("us", "UTC"), "when the unit was begun"),
    ("seconds", pa.float64(), "how long it took"),
    ("pages", pa.int64(), "pages done, failed ones included"),
    ("tokens", pa.int64(), "tokens answered; null when the engine has none"),
    ("busy_fraction", pa.float64(), "share of the time in which the engine had work"),
    ("peak_memory", pa.int64(), "bytes; the largest worker process of the stage so far"),
    ("host", pa.string(), "machine that did it"),
)

TABLES: dict[str, pa.Schema] = {
    "sources": SOURCES,
    "documents": DOCUMENTS,
    "pages": PAGES,
    "responses": RESPONSES,
    "elements": ELEMENTS,
    "runs": RUNS,
}
