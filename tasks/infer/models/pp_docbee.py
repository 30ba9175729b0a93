"""PP-DocBee, and PaddleOCR's doc_understanding service: a question about a page, answered in text. No layout.

Source: PaddleOCR's doc_understanding pipeline and its service (`POST /document-understanding`, also served as
`/chat/completions`), read 2026-11-21: the query first, then the picture. The question is part of `config`.
"""

from __future__ import annotations

from tasks.infer.answers.page_text import read_page_text
from tasks.infer.models.chat_profile import AnswerReader, ChatProfile, Sampling

DEFAULT_QUERY = "What is this page about? Answer in one paragraph."

PROFILE = ChatProfile(
    name="pp-docbee",
    description="the answer to a question about each page by PP-DocBee (PaddleOCR's doc_understanding)",
    prompt=DEFAULT_QUERY,
    sampling=Sampling(temperature=0.1, top_p=0.95, max_tokens=1_024),
    reader=AnswerReader("page-text", 1, read_page_text),
    revision="PaddlePaddle/PP-DocBee",
    takes_query=True,
    image_first=False,
    text_format="plain",
    last_resort="",  # the text of the page is no answer to a question about it
)
PROFILES = (PROFILE,)
