"""PaddleOCR-VL: reads one cut-out of a page at a time, by a prompt for its kind; cpu-layout finds the boxes.

Sources, read 2026-11-21: PaddlePaddle/PaddleOCR-VL; PaddleX's pipeline (`inference/pipelines/paddleocr_vl`), which is
followed in prompts, pixels, tokens and temperature; vLLM's recipe for the model. The pixels are part of each request,
as there: the processor of the first version takes 147,384 to 2,822,400 by itself.

Pictures are not asked about, as in PaddleX (`use_chart_recognition` is off): asked for the chart in a photo, the model
invents one. A user whose pictures are charts adds to a model file:

    [models.paddleocr-vl]
    cut_outs = { prompts = { Picture = "Chart Recognition:" } }

PaddleOCR's own server (`paddleocr genai_server --model_name PaddleOCR-VL-0.9B`) serves it by that name, and so must
`vllm serve … --served-model-name PaddleOCR-VL-0.9B`; another name is told by --served-name. A whole page in one call is
off-label.
"""

from __future__ import annotations

from tasks.infer.answers.contract import AnswerText, Space
from tasks.infer.answers.otsl import is_otsl, otsl_to_html
from tasks.infer.answers.page_text import read_page_text
from tasks.infer.models.chat_profile import AnswerReader, Sampling, VllmServing
from tasks.infer.models.cut_out_profile import CutOutProfile, CutOutRules
from tasks.infer.models.picture_plan import PicturePlan
from tasks.infer.models.vllm_needs import VllmNeed

MIN_PIXELS, MAX_PIXELS = 112_896, 1_003_520


def read_cut_out(text: str, space: Space) -> AnswerText:
    """What a cut-out says, as one element of its size; a table is labelled so and turned into HTML."""
    read = read_page_text(text, space)
    elements = tuple(
        type(element)("table", element.box, otsl_to_html(element.text)) if is_otsl(element.text) else element
        for element in read.elements
    )
    return AnswerText(elements, read.status)


PROFILE = CutOutProfile(
    name="paddleocr-vl",
    description="text, tables and formulas box by box by PaddleOCR-VL, a 0.9B model; cpu-layout finds the boxes",
    prompt="OCR:",
    sampling=Sampling(
        temperature=0.0,
        max_tokens=4_096,
        extra={"mm_processor_kwargs": {"min_pixels": MIN_PIXELS, "max_pixels": MAX_PIXELS}},
    ),
    reader=AnswerReader("cut-out", 1, read_cut_out),
    revision="PaddlePaddle/PaddleOCR-VL",
    served_name="PaddleOCR-VL-0.9B",
    picture=PicturePlan(factor=28, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS, max_aspect=200),
    vllm=VllmServing(
        "PaddlePaddle/PaddleOCR-VL",
        (
            "--trust-remote-code",
            "--max-model-len=16384",  # PaddleX's; a cut-out and its answer need 5,400
            "--max-num-batched-tokens=16384",
            "--mm-processor-cache-gb=0",
            "--no-enable-prefix-caching",
        ),
        needs=(VllmNeed("PaddleOCR-VL", "0.11.1"),),
    ),
    cut_outs=CutOutRules({"Table": "Table Recognition:", "Formula": "Formula Recognition:", "Picture": ""}),
)
PROFILES = (PROFILE,)
