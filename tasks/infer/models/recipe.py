"""How the chat engine asks about a page for a profile: the profile's own way, again against loops, then plain text.

This is the ladder of retries in the terms of `tasks.infer.engines.chat_recipe`. The second step is taken where the
first one's answer breaks off or loops: a little warmer, and with vLLM's own check for repetition, which ends a loop
with the finish reason `repetition` (in its scheduler since 0.17, whatever the model runner). The third asks the
profile's `fallback` for the text alone; a second pass with the plain prompt recovered 85 of 86 looping pages of one
public corpus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.infer.engines.chat_recipe import ChatStep, Message, PixelSize, Verdict
from tasks.infer.models import picture_plan
from tasks.infer.models.chat_profile import ChatProfile

AGAIN = "/again"

EXTENSIONS = frozenset(
    {
        "repetition_detection",
        "vllm_xargs",
        "mm_processor_kwargs",
        "skip_special_tokens",
        "repetition_penalty",
        "top_k",
        "min_p",
    }
)
"""Fields of vLLM's (and SGLang's) own, which other servers may refuse; the answer is worth having without them."""


@dataclass(frozen=True, slots=True)
class ProfileRecipe:
    """The steps for one profile, and for the one it falls back to, if any."""

    profile: ChatProfile
    fallback: ChatProfile | None = None

    @property
    def image_format(self) -> Literal["jpeg", "png"] | None:
        """The profile's; None for what is stored."""
        return self.profile.image_format

    @property
    def steps(self) -> Sequence[ChatStep]:
        """Named after the profile whose reader reads the answer."""
        own = self.profile
        steps = [
            _step(own, own.name, own.sampling.fields()),
            _step(own, own.name + AGAIN, own.again()),
        ]
        if self.fallback is not None:
            steps.append(_step(self.fallback, self.fallback.name, self.fallback.sampling.fields()))
        return steps

    def prepared_size(self, width: int, height: int) -> PixelSize | None:
        """The size that a stored image shall be sent in, None for its own."""
        stored = picture_plan.PixelSize(width, height)
        sent = self.profile.picture.sent(stored)
        return None if sent == stored else sent


def _step(profile: ChatProfile, name: str, sampling: Mapping[str, object]) -> ChatStep:
    def messages(image_url: str, sent: PixelSize) -> Sequence[Message]:
        return profile.messages(image_url, picture_plan.PixelSize(*sent))

    def judge(text: str, finish_reason: str | None) -> Verdict:
        return Verdict(*profile.judge(text, finish_reason))

    return ChatStep(name, messages, sampling, judge, EXTENSIONS)
