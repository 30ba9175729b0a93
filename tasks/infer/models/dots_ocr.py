"""dots.ocr (and dots.mocr): layout, text and reading order in one JSON list; also layout alone, text alone, one box.

Source: the published repository, rednote-hilab/dots.ocr, dots_ocr/utils (prompts.py, image_utils.py, consts.py), read
2026-11-21. Boxes come back in pixels of the *resized* picture that the server's image processor makes (dots.ocr#72).
The prompts are kept to the letter; the first one ends in a line break, the second one does not.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.infer.answers.layout_json import read_layout_json
from tasks.infer.answers.page_text import read_page_text
from tasks.infer.models.chat_profile import AnswerReader, ChatProfile, Sampling, VllmServing
from tasks.infer.models.picture_plan import PicturePlan

LAYOUT_AND_TEXT_PROMPT = """\
Please output the layout information from the PDF image, including each layout element's bbox, its category, and the \
corresponding text content within the bbox.

1. Bbox format: [x1, y1, x2, y2]

2. Layout Categories: The possible categories are ['Caption', 'Footnote', 'Formula', 'List-item', 'Page-footer', \
'Page-header', 'Picture', 'Section-header', 'Table', 'Text', 'Title'].

3. Text Extraction & Formatting Rules:
    - Picture: For the 'Picture' category, the text field should be omitted.
    - Formula: Format its text as LaTeX.
    - Table: Format its text as HTML.
    - All Others (Text, Title, etc.): Format their text as Markdown.

4. Constraints:
    - The output text must be the original text from the image, with no translation.
    - All layout elements must be sorted according to human reading order.

5. Final Output: The entire output must be a single JSON object.
"""
LAYOUT_PROMPT = (
    "Please output the layout information from this PDF image, including each layout's bbox and its category. The bbox "
    "should be in the format [x1, y1, x2, y2]. The layout categories for the PDF document include ['Caption', "
    "'Footnote', 'Formula', 'List-item', 'Page-footer', 'Page-header', 'Picture', 'Section-header', 'Table', 'Text', "
    "'Title']. Do not output the corresponding text. The layout result should be in JSON format."
)
TEXT_PROMPT = "Extract the text content from this image."
REGION_PROMPT = "Extract text from the given bounding box on the image (format: [x1, y1, x2, y2]).\nBounding Box:\n"

IMAGE_TOKEN = "<|img|><|imgpad|><|endofimg|>"  # noqa: S105  not a secret
PICTURE = PicturePlan(factor=28, min_pixels=3_136, max_pixels=11_289_600, max_aspect=200)
LAYOUT_READER = AnswerReader("layout-json", 1, read_layout_json)
TEXT_READER = AnswerReader("page-text", 1, read_page_text)

PROFILE = ChatProfile(
    name="dots.ocr",
    description="layout, text and reading order by dots.ocr, a 3B model; Formula as LaTeX, Table as HTML",
    prompt=LAYOUT_AND_TEXT_PROMPT,
    sampling=Sampling(temperature=0.1, top_p=1.0, max_tokens=16_384),
    reader=LAYOUT_READER,
    revision="rednote-hilab/dots.ocr",
    picture=PICTURE,
    image_token=IMAGE_TOKEN,
    fallback="dots.ocr-text",
    vllm=VllmServing(
        model_id="rednote-hilab/dots.ocr",
        args=(
            "--trust-remote-code",
            "--chat-template-content-format=string",
            "--max-model-len=32768",  # a page at the pixel limit has 14,400 visual tokens, and the answer 16,384
            '--limit-mm-per-prompt={"image":1,"video":0}',
            "--mm-processor-cache-gb=0",
            "--no-enable-prefix-caching",
        ),
    ),
)
LAYOUT_PROFILE = replace(
    PROFILE,
    name="dots.ocr-layout",
    served_name=PROFILE.name,
    description="boxes, categories and reading order by dots.ocr, without text: a tenth of the tokens",
    prompt=LAYOUT_PROMPT,
    fallback=None,
)
TEXT_PROFILE = replace(
    PROFILE,
    name="dots.ocr-text",
    served_name=PROFILE.name,
    description="the text of the whole page by dots.ocr, without layout",
    prompt=TEXT_PROMPT,
    reader=TEXT_READER,
    fallback=None,
)
REGION_PROFILE = replace(
    TEXT_PROFILE,
    name="dots.ocr-region",
    description="the text of one part of each page by dots.ocr; say which by --region",
    prompt=REGION_PROMPT,
    takes_region=True,
    last_resort="",  # it reads whole pages
)
PROFILES = (PROFILE, LAYOUT_PROFILE, TEXT_PROFILE, REGION_PROFILE)
