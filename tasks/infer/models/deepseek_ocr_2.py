"""DeepSeek-OCR-2: the second version, asked and answering like the first.

Source: deepseek-ai/DeepSeek-OCR-2 and vLLM's `DeepseekOCR2ForCausalLM`, read 2026-11-21. At most 1,120 visual tokens a
page; 3 to 6 % of production pages loop (its paper, table 4), which is what the fallback is for. vLLM knows the model
since 0.16; the n-gram processor is that of the first version, with the same needs.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.infer.models import deepseek_ocr
from tasks.infer.models.chat_profile import VllmServing
from tasks.infer.models.vllm_needs import VllmNeed

MODEL_ID = "deepseek-ai/DeepSeek-OCR-2"
VLLM = VllmServing(
    MODEL_ID,
    deepseek_ocr.VLLM_ARGS,
    deepseek_ocr.VLLM_ENVIRONMENT,
    (VllmNeed(what="DeepSeek-OCR-2", oldest="0.16"), deepseek_ocr.NGRAM_NEED),
)

PROFILE = replace(
    deepseek_ocr.PROFILE,
    name="deepseek-ocr-2",
    description="layout and Markdown by DeepSeek-OCR-2; Table as HTML",
    revision=MODEL_ID,
    fallback="deepseek-ocr-2-text",
    vllm=VLLM,
)
TEXT_PROFILE = replace(
    deepseek_ocr.TEXT_PROFILE,
    name="deepseek-ocr-2-text",
    served_name=PROFILE.name,
    description="the text of the whole page by DeepSeek-OCR-2 (free OCR), without layout",
    revision=MODEL_ID,
    vllm=VLLM,
)
PROFILES = (PROFILE, TEXT_PROFILE)
