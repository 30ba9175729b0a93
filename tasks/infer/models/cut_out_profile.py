"""What a profile of a model is that reads cut-outs of a page: a chat profile, and rules of what is cut and asked.

Boxes, categories and reading order are cpu-layout's, so its revision shapes the answers and is part of `config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from tasks.infer.models import cpu_layout
from tasks.infer.models.chat_profile import ChatProfile
from tasks.infer.models.cut_out_answer import ANSWER_VERSION, BoxReader, read_boxes
from tasks.infer.models.digest import digest
from tasks.infer.profile import PageSize, ReadAnswer


@dataclass(frozen=True, slots=True)
class CutOutRules:
    """`prompts` by category: where there is none, the profile's own prompt is asked; where it is empty, nothing is. A
    cut-out is `margin_pt` larger than its box on every side."""

    prompts: Mapping[str, str] = field(default_factory=dict)
    margin_pt: float = 2.0


@dataclass(frozen=True, slots=True)
class CutOutProfile(ChatProfile):
    """`reader` and `judge` are those of one cut-out, `read_answer` that of a page of them (`cut_out_answer`).

    `last_resort` is whose text counts where the model's did not end well: cpu-layout's, or ("") nobody's.
    """

    cut_outs: CutOutRules = CutOutRules()

    def config(self, render_id: str) -> str:
        """As `ChatProfile.config`."""
        own = ChatProfile.config(self, render_id)
        return digest([own, asdict(self.cut_outs), cpu_layout.PROFILE.config(render_id), ANSWER_VERSION])

    def prompt_for(self, category: str) -> str:
        """What is asked about a box of this category; empty: nothing."""
        return self.cut_outs.prompts.get(category, self.prompt)

    def read_answer(self, text: str, page: PageSize, finish_reason: str | None = None) -> ReadAnswer:
        """See `profile.Profile.read_answer`. Each cut-out has a finish reason of its own in the text."""
        del finish_reason
        return read_boxes(text, page, BoxReader(self.name, self.reader.read, self.text_format))
