"""How a service is spoken to: which path, and what a request's body says. Two are known, and every answer reads alike.

CHAT  OpenAI's chat completions: vLLM, SGLang, Ollama, PaddleOCR's services, deepseek-ocr.rs
GOT   GOT-OCR2's REST service: one picture and the kind of text that is wanted, answered as a text completion
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tasks.infer.engines.chat_recipe import ChatStep, PixelSize

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Dialect:
    """`path` goes behind an endpoint's base. `body` gets the served model's name, the step, the picture as a data URI,
    and its size. `streams`: text can be had while it is written."""

    path: str
    body: Callable[[str, ChatStep, str, PixelSize], Fields]
    streams: bool


def _chat_body(model: str, step: ChatStep, image_url: str, size: PixelSize) -> Fields:
    return {"model": model, "messages": list(step.messages(image_url, size)), **step.sampling}


def _got_body(model: str, step: ChatStep, image_url: str, size: PixelSize) -> Fields:
    """The service holds one model, and makes the question itself, from the `type` that is part of `sampling`."""
    del model, size
    return {"image_file": image_url, **step.sampling}


CHAT = Dialect("/chat/completions", _chat_body, streams=True)
GOT = Dialect("/ocr", _got_body, streams=False)
