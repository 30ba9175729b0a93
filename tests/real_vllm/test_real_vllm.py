"""A real vLLM serves tiny models of the real architectures here: what the other tests with it stand on."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw
from real_vllm.serving import RealVllm

from tasks.infer.engines.dialect import CHAT
from tasks.infer.models import deepseek_ocr
from tasks.infer.models.chat_profile import VllmServing
from tasks.infer.models.recipe import ProfileRecipe

pytestmark = [pytest.mark.vllm, pytest.mark.integration, pytest.mark.slow]

START_S, ANSWER_S, END_S = 300, 120, 15
NO_PROFILE = VllmServing("")
CATEGORIES = ["Title", "Text", "Table", "Picture"]
CELL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["bbox", "category", "text"],
    "properties": {
        "bbox": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": 999},
            "minItems": 4,
            "maxItems": 4,
        },
        "category": {"enum": CATEGORIES},
        "text": {"type": "string", "maxLength": 40},
    },
}
LOOP = re.compile(r"(.{1,8}?)\1{29}", re.DOTALL)
CELLS = {"type": "array", "minItems": 1, "maxItems": 3, "items": CELL}


@contextmanager
def served(vllm: RealVllm, kind: str, log: Path, profile: VllmServing = NO_PROFILE) -> Generator[str]:
    """The URL of a server of a tiny model, named "tiny" there. At the end it is gone with all its processes."""
    model = vllm.model(kind)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = [vllm.python, "-m", "vllm.entrypoints.cli.main", "serve", model.path, "--served-model-name=tiny"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*serve, "--host=127.0.0.1", f"--port={port}", *profile.args, *model.flags],
            env=os.environ | dict(profile.environment) | dict(vllm.variables),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        for deadly in (signal.SIGTERM, signal.SIGKILL):  # the group: a killed server leaves its engine behind
            with suppress(ProcessLookupError):
                os.killpg(server.pid, deadly)
            with suppress(subprocess.TimeoutExpired):
                server.wait(END_S)


def wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        time.sleep(0.25)
    pytest.fail(f"vLLM did not start:\n{log.read_text(errors='replace')[-3000:]}")


def page_saying(words: str) -> str:
    """A page as a data URI."""
    picture, file = Image.new("RGB", (420, 560), "white"), BytesIO()
    for line in range(12):
        ImageDraw.Draw(picture).text((30, 30 + 40 * line), f"{words}, line {line}", fill="black")
    picture.save(file, "PNG")
    return "data:image/png;base64," + b64encode(file.getvalue()).decode()


def ask(url: str, image_url: str, **more: object) -> httpx.Response:
    parts = [{"type": "image_url", "image_url": {"url": image_url}}, {"type": "text", "text": "Parse."}]
    body = {"model": "tiny", "temperature": 0, "max_tokens": 300, "messages": [{"role": "user", "content": parts}]}
    return httpx.post(f"{url}/v1/chat/completions", json=body | more, timeout=ANSWER_S)


def ask_for_cells(url: str, image_url: str) -> list[dict[str, Any]]:
    cells = {"type": "json_schema", "json_schema": {"name": "cells", "schema": CELLS}}
    answer = ask(url, image_url, response_format=cells)
    assert answer.is_success, answer.text
    choice = answer.json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    return json.loads(choice["message"]["content"])


@pytest.mark.parametrize("kind", ["dots_ocr", "paddleocr_vl"])
def test_a_tiny_model_answers_in_a_forced_form_and_refuses_what_is_no_picture(real_vllm, tmp_path, kind):
    with served(real_vllm, kind, tmp_path / "log") as url:
        first, second = ask_for_cells(url, page_saying("one")), ask_for_cells(url, page_saying("another"))
        for cell in first + second:
            assert len(cell["bbox"]) == 4
            assert cell["category"] in CATEGORIES
        assert ask(url, "data:image/png;base64,AAAA").status_code == 400
        if kind == "dots_ocr":  # the one with weights
            assert first != second
            assert first == ask_for_cells(url, page_saying("one"))


def test_deepseeks_n_gram_processor_breaks_loops_with_the_profiles_flags_and_environment(real_vllm, tmp_path):
    profile, picture = deepseek_ocr.TEXT_PROFILE, page_saying("one")
    assert profile.vllm
    with served(real_vllm, "deepseek_ocr", tmp_path / "log", profile.vllm) as url:
        [step, *_] = ProfileRecipe(profile).steps
        request = {**CHAT.body("tiny", step, picture, (420, 560)), "max_tokens": 150}
        answer = httpx.post(f"{url}/v1/chat/completions", json=request, timeout=ANSWER_S)
        assert answer.is_success, answer.text
        assert not LOOP.search(answer.json()["choices"][0]["message"]["content"])

        left_alone = {"vllm_xargs": {}, "repetition_detection": {"max_pattern_size": 16, "min_count": 30}}
        answer = httpx.post(f"{url}/v1/chat/completions", json=request | left_alone, timeout=ANSWER_S)
        assert answer.json()["choices"][0]["finish_reason"] == "repetition"  # it would have looped
