"""Real answers of real models, whole and cut off at every 50th byte: no reader raises, no legible box is lost."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.infer.answers.contract import AnswerText, Reader, Space
from tasks.infer.answers.layout_json import read_layout_json
from tasks.infer.answers.page_text import read_formatted_page, read_page_text
from tasks.infer.answers.tagged_text import read_located_text, read_tagged_text
from tasks.infer.models.paddleocr_vl import read_cut_out

READERS: tuple[Reader, ...] = (
    read_layout_json,
    read_tagged_text,
    read_located_text,
    read_page_text,
    read_formatted_page,
    read_cut_out,
)
CUT_BYTES = 50
DOTS_SPACE, TAGS_SPACE = Space(1204.0, 1568.0), Space(999.0, 999.0)
DOTS_BOX = re.compile(rb'"bbox": \[(\d+), (\d+), (\d+), (\d+)\]')
TAG_BOX = re.compile(rb"<\|det\|>\[\[(\d+), (\d+), (\d+), (\d+)\]\]<\|/det\|>")


@pytest.fixture
def recorded(shared_data: Path) -> Path:
    if not (shared_data / "raw-outputs").is_dir():
        pytest.skip("the recorded answers are not beside this checkout")
    return shared_data / "raw-outputs"


def cuts(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    for end in range(0, len(content) + CUT_BYTES, CUT_BYTES):
        yield content[:end]


def boxes(answer: AnswerText) -> set[tuple[float, ...]]:
    return {tuple(element.box) for element in answer.elements}


def legible(pattern: re.Pattern[bytes], content: bytes) -> set[tuple[float, ...]]:
    return {tuple(float(number) for number in match.groups()) for match in pattern.finditer(content)}


def check_cuts(path: Path, pattern: re.Pattern[bytes], read: Callable[[str], AnswerText]) -> None:
    for content in cuts(path):
        answer = read(content.decode(errors="ignore"))
        lost = legible(pattern, content) - boxes(answer)
        assert not lost, f"{path.name} cut after {len(content)} bytes lost {lost}"


def test_dots_boxes_before_a_cut_are_all_there(recorded: Path):
    for path in [*recorded.glob("dots.ocr/*.json"), *recorded.glob("issue-quotes/dots-*.txt")]:
        check_cuts(path, DOTS_BOX, lambda text: read_layout_json(text, DOTS_SPACE))


def test_deepseek_boxes_before_a_cut_are_all_there(recorded: Path, tmp_path: Path):
    for path in recorded.glob("deepseek-ocr/*.md"):
        check_cuts(path, TAG_BOX, lambda text: read_tagged_text(text, TAGS_SPACE))


def test_deepseek_boxes_before_a_cut_are_all_there_without_special_tokens(recorded: Path, tmp_path: Path):
    bare_box = re.compile(rb"^\w+\[\[(\d+), (\d+), (\d+), (\d+)\]\]", re.MULTILINE)
    for path in recorded.glob("deepseek-ocr/*.md"):
        bare = tmp_path / path.name
        bare.write_text(re.sub(r"<\|/?(?:ref|det)\|>", "", path.read_text()))
        check_cuts(bare, bare_box, lambda text: read_tagged_text(text, TAGS_SPACE))


def test_the_texts_before_a_cut_are_whole(recorded: Path):
    whole = read_layout_json((recorded / "dots.ocr/dots_simple.json").read_text(), DOTS_SPACE).elements
    for content in cuts(recorded / "dots.ocr/dots_simple.json"):
        part = read_layout_json(content.decode(errors="ignore"), DOTS_SPACE).elements
        assert part[:-1] == whole[: max(len(part) - 1, 0)]
        assert all(whole[len(part) - 1].text.startswith(last.text.rstrip("\\")) for last in part[-1:])


def test_no_reader_raises_on_any_recorded_answer_cut_anywhere(recorded: Path):
    for path in sorted(path for path in recorded.rglob("*") if path.is_file() and path.stat().st_size < 10_000):
        for content in cuts(path):
            for read in READERS:
                read(content.decode(errors="replace"), TAGS_SPACE)


@pytest.mark.parametrize(
    ("name", "read", "elements", "status"),
    [
        ("dots.ocr/dots_simple.json", read_layout_json, 17, "repaired"),  # the recorded list has no closing bracket
        ("issue-quotes/dots-91-training-sample-prefix.txt", read_layout_json, 4, "truncated"),
        ("deepseek-ocr/deepseek_title.md", read_tagged_text, 16, "ok"),
        ("deepseek-ocr/deepseek_simple.md", read_tagged_text, 6, "repaired"),  # starts in mid-sentence, without a tag
        ("got-ocr2/results-demo.txt", read_formatted_page, 1, "ok"),
        ("issue-quotes/deepseek-200-list-without-newlines.txt", read_page_text, 1, "ok"),
        ("issue-quotes/deepseek-ocr.rs-53-paddle-loop.txt", read_page_text, 1, "looped"),
        ("issue-quotes/vllm-ascend-4989-deepseek-loop-cjk.txt", read_page_text, 1, "looped"),
        ("issue-quotes/mineru-5263-layout-garbage.txt", read_tagged_text, 0, "unparsed"),
        ("issue-quotes/got-210-only-eos.txt", read_formatted_page, 0, "unparsed"),
        ("issue-quotes/ollama-13345-deepseek-broken-md-table.txt", read_page_text, 1, "ok"),
        ("issue-quotes/ernie-1427-otsl.txt", read_cut_out, 1, "ok"),
        ("issue-quotes/paddleocr-17126-empty-second-block.json", read_layout_json, 2, "ok"),
    ],
)
def test_what_is_known_of_each_recorded_answer(recorded: Path, name: str, read: Reader, elements: int, status: str):
    answer = read((recorded / name).read_text(), Space(2000.0, 3000.0))
    assert (len(answer.elements), answer.status) == (elements, status)


def test_the_malformed_shapes_are_all_read(recorded: Path):
    cases = json.loads((recorded / "issue-quotes/malformed-dots-shapes.json").read_text())["cases"]
    assert len(cases) == 7
    for case in cases:
        read = read_layout_json if case["raw"].startswith("[") else read_tagged_text
        answer = read(case["raw"], TAGS_SPACE)
        assert answer.elements, case["why"]
        assert answer.status in ("ok", "repaired"), case["why"]


def test_blocks_of_paddleocr_vl_are_read_by_their_own_names(recorded: Path):
    for path in sorted((recorded / "paddleocr-vl/redacted").glob("*.json")):
        page = json.loads(path.read_text())
        answer = read_layout_json(json.dumps(page["parsing_res_list"]), Space(page["width"], page["height"]))
        assert boxes(answer) == {tuple(map(float, block["block_bbox"])) for block in page["parsing_res_list"]}
