"""GOT-OCR2.0: the text of a page, plain or as Mathpix-like Markdown. No boxes: one element as large as the page.

Source: Ucas-HaoranWei/GOT-OCR2.0 and its REST service (`POST /v1/ocr`), read 2026-11-21. The service makes the query
(`OCR: `, `OCR with format: `) from `type`, which the `got` engine takes from `sampling.extra`; the prompt here is that
query, for servers that are told it. Not in vLLM.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.infer.answers.page_text import read_formatted_page, read_page_text
from tasks.infer.models.chat_profile import AnswerReader, ChatProfile, Sampling

PROFILE = ChatProfile(
    name="got-ocr2",
    description="the plain text of the whole page by GOT-OCR2.0, a 0.6B model, without layout",
    prompt="OCR: ",
    sampling=Sampling(temperature=0.0, top_p=0.9, max_tokens=2_048, extra={"type": "plain", "repetition_penalty": 1}),
    reader=AnswerReader("page-text", 1, read_page_text),
    revision="stepfun-ai/GOT-OCR2_0",
    engine="got",
    text_format="plain",
)
FORMAT_PROFILE = replace(
    PROFILE,
    name="got-ocr2-format",
    served_name=PROFILE.name,
    description="the whole page as Markdown with LaTeX by GOT-OCR2.0, without layout",
    prompt="OCR with format: ",
    sampling=replace(PROFILE.sampling, max_tokens=4_096, extra={"type": "format", "repetition_penalty": 1}),
    reader=AnswerReader("formatted-page", 1, read_formatted_page),
    text_format="markdown",
    fallback=PROFILE.name,
)
PROFILES = (PROFILE, FORMAT_PROFILE)
