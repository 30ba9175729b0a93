"""DeepSeek-OCR: Markdown with tags that carry label and box, free OCR, and the boxes of single lines.

Source: the published repository, deepseek-ai/DeepSeek-OCR (run_dpsk_ocr_pdf.py, config.py), and vLLM's recipe for it,
read 2026-11-21. Boxes are thousandths of the page (0 to 999), whatever the picture's size: x = v / 999 * width. There
are no chat roles: the server's template must add nothing; vLLM has one like that for it.

vLLM's n-gram processor keeps the model from looping, and runs on vLLM's first model runner only. By the source of the
wheels 0.11.1 to 0.33.0 (vllm/config/vllm.py, vllm/v1/worker/gpu/sample/logits_processor/loader.py), read 2026-11-21:

- The model, the processor and lists in `vllm_xargs` are there since 0.11.1.
- Up to 0.30, a server with any such processor falls back to the first runner by itself, with a warning.
- Since 0.31 (vllm#56497) the second runner, the default where there is Triton, takes processors of its own kind and
  refuses this one: the server ends with "ValueError: NGramPerReqLogitsProcessor is not a subclass of …". No release up
  to 0.33.0 has one of the other kind (vllm#57618 was closed, vllm#57540 is open).
- VLLM_USE_V2_MODEL_RUNNER=0 chooses the first runner. Seen on a real 0.32.0 (on a CPU): the server starts, and the
  processor breaks loops.
- A server without the processor ignores its `vllm_xargs` in silence (seen as well). vLLM's `repetition_detection`
  (since 0.17) works on either runner, but it ends the answer at a loop that the processor would have avoided.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.infer.answers.page_text import read_page_text
from tasks.infer.answers.tagged_text import read_located_text, read_tagged_text
from tasks.infer.models.chat_profile import AnswerReader, ChatProfile, Sampling, VllmServing
from tasks.infer.models.vllm_needs import VllmNeed

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
NGRAM_PROCESSOR = "vllm.model_executor.models.deepseek_ocr:NGramPerReqLogitsProcessor"
VLLM_ARGS = (
    "--chat-template-content-format=string",
    "--max-model-len=8192",
    '--limit-mm-per-prompt={"image":1}',
    "--mm-processor-cache-gb=0",
    "--no-enable-prefix-caching",
    f"--logits-processors={NGRAM_PROCESSOR}",
)
VLLM_ENVIRONMENT = {"VLLM_USE_V2_MODEL_RUNNER": "0"}
NGRAM_NEED = VllmNeed(
    what="The n-gram processor that keeps DeepSeek-OCR from looping",
    oldest="0.11.1",
    flag=NGRAM_PROCESSOR,
    variables=VLLM_ENVIRONMENT,
    variables_since="0.31",
    otherwise="Or leave out --logits-processors: a page that loops is then found out and asked again.",
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
    vllm=VllmServing("deepseek-ai/DeepSeek-OCR", VLLM_ARGS, VLLM_ENVIRONMENT, (NGRAM_NEED,)),
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
