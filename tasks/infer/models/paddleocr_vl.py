"""PaddleOCR-VL: reads one cut-out of a page at a time; a layout detector has to find the boxes first.

Source: PaddlePaddle/PaddleOCR-VL and vLLM's `PaddleOCRVLForConditionalGeneration`, read 2026-11-21. What a cut-out is
decides the prompt; tables come back in OTSL and are turned into HTML. A whole page in one call is off-label, but it is
what `PROFILE` asks when it is used like the others.
"""

from __future__ import annotations

from tasks.infer.answers.contract import AnswerText, Space
from tasks.infer.answers.otsl import is_otsl, otsl_to_html
from tasks.infer.answers.page_text import read_page_text
from tasks.infer.models.chat_profile import AnswerReader, ChatProfile, Sampling, VllmServer
from tasks.infer.models.picture_plan import PicturePlan

TEXT_PROMPT = "OCR:"
CUT_OUT_PROMPTS = {"Table": "Table Recognition:", "Formula": "Formula Recognition:", "Picture": "Chart Recognition:"}


def prompt_for(category: str) -> str:
    """The prompt for a cut-out of this category, one of the eleven."""
    return CUT_OUT_PROMPTS.get(category, TEXT_PROMPT)


def read_cut_out(text: str, space: Space) -> AnswerText:
    """What a cut-out says, as one element of its size; a table is labelled so and turned into HTML."""
    read = read_page_text(text, space)
    elements = tuple(
        type(element)("table", element.box, otsl_to_html(element.text)) if is_otsl(element.text) else element
        for element in read.elements
    )
    return AnswerText(elements, read.status)


PROFILE = ChatProfile(
    name="paddleocr-vl",
    description="text, tables and formulas of cut-outs by PaddleOCR-VL, a 0.9B model; boxes come from cpu-layout",
    prompt=TEXT_PROMPT,
    sampling=Sampling(temperature=0.0, max_tokens=4_096),
    reader=AnswerReader("cut-out", 1, read_cut_out),
    revision="PaddlePaddle/PaddleOCR-VL",
    picture=PicturePlan(factor=28, min_pixels=112_896, max_pixels=1_003_520, max_aspect=200),
    vllm=VllmServer(
        "PaddlePaddle/PaddleOCR-VL",
        ("--trust-remote-code", "--mm-processor-cache-gb=0", "--no-enable-prefix-caching"),
    ),
)
PROFILES = (PROFILE,)
