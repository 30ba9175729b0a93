"""DeepSeek-OCR: Markdown with tags that carry label and box, free OCR, and the boxes of single lines.

Source: the published repository, deepseek-ai/DeepSeek-OCR (run_dpsk_ocr_pdf.py, config.py), and vLLM's recipe for it,
read 2026-11-21. Boxes are thousandths of the page (0 to 999), whatever the picture's size: x = v / 999 * width. There
are no chat roles: the server's template must add nothing. The n-gram processor keeps the model from looping; it is a V1
logits processor, which vLLM's second model runner (the default since 0.33) refuses.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.infer.answers.page_text import read_page_text
from tasks.infer.answers.tagged_text import read_located_text, read_tagged_text
from tasks.infer.models.chat_profile import AnswerReader, ChatProfile, Sampling, VllmServer

LAYOUT_PROMPT = "<|grounding|>Convert the document to markdown."
TEXT_PROMPT = "Free OCR."
LINES_PROMPT = "<|grounding|>OCR this image."
IMAGE_TOKEN = "<image>\n"  # noqa: S105  not a secret
BOX_GRID = 999.0
TAGGED_READER = AnswerReader("tagged-text", 1, read_tagged_text)
LOCATED_READER = AnswerReader("located-text", 1, read_located_text)
TEXT_READER = AnswerReader("page-text", 1, read_page_text)

SAMPLING = Sampling(
    temperature=0.0,
    max_tokens=8_192,
    extra={
        "skip_special_tokens": False,
        "vllm_xargs": {"ngram_size": 30, "window_size": 90, "whitelist_token_ids": [128821, 128822]},  # <td>, </td>
    },
)
VLLM_ARGS = (
    "--chat-template-content-format=string",
    "--max-model-len=8192",
    '--limit-mm-per-prompt={"image":1}',
    "--mm-processor-cache-gb=0",
    "--no-enable-prefix-caching",
    "--logits-processors=vllm.model_executor.models.deepseek_ocr:NGramPerReqLogitsProcessor",
)

PROFILE = ChatProfile(
    name="deepseek-ocr",
    description="layout and Markdown by DeepSeek-OCR, a 3B model with few visual tokens; Table as HTML",
    prompt=LAYOUT_PROMPT,
    sampling=SAMPLING,
    reader=TAGGED_READER,
    revision="deepseek-ai/DeepSeek-OCR",
    image_token=IMAGE_TOKEN,
    box_grid=BOX_GRID,
    dpi=144,
    fallback="deepseek-ocr-text",
    vllm=VllmServer("deepseek-ai/DeepSeek-OCR", VLLM_ARGS, {"VLLM_USE_V2_MODEL_RUNNER": "0"}),
)
TEXT_PROFILE = replace(
    PROFILE,
    name="deepseek-ocr-text",
    served_name=PROFILE.name,
    description="the text of the whole page by DeepSeek-OCR (free OCR), without layout",
    prompt=TEXT_PROMPT,
    reader=TEXT_READER,
    fallback=None,
)
LINES_PROFILE = replace(
    PROFILE,
    name="deepseek-ocr-lines",
    served_name=PROFILE.name,
    description="pieces of text with their boxes by DeepSeek-OCR (grounding), without categories",
    prompt=LINES_PROMPT,
    reader=LOCATED_READER,
)
PROFILES = (PROFILE, TEXT_PROFILE, LINES_PROFILE)
