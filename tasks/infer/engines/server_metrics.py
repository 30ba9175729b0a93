"""What a model server tells about itself at /metrics, as the few figures that decide something. Pure functions.

vLLM's names and SGLang's are known. Where a server has several engines (data parallel), counts are summed over them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

_NAMES = {
    "vllm:num_requests_running": "running",
    "vllm:num_requests_waiting": "waiting",
    "vllm:prompt_tokens_total": "prompt_tokens",
    "vllm:generation_tokens_total": "generation_tokens",
    "vllm:kv_cache_usage_perc": "kv_cache_usage",
    "sglang:num_running_reqs": "running",
    "sglang:num_queue_reqs": "waiting",
    "sglang:prompt_tokens_total": "prompt_tokens",
    "sglang:generation_tokens_total": "generation_tokens",
    "sglang:token_usage": "kv_cache_usage",
}


@dataclass(frozen=True, slots=True)
class EngineMetrics:
    """One look at a server. Tokens count from its start; `kv_cache_usage` is that of its fullest engine, 0 to 1."""

    running: int
    waiting: int
    prompt_tokens: int = 0
    generation_tokens: int = 0
    kv_cache_usage: float = 0.0

    @property
    def tokens(self) -> int:
        """What only moves while the engine works."""
        return self.prompt_tokens + self.generation_tokens


def read_metrics(text: str) -> EngineMetrics | None:
    """The figures in a /metrics page; None where it is no such page, or another server's."""
    lines = [line for line in text.splitlines() if line.partition("{")[0].partition(" ")[0] in _NAMES]
    values: dict[str, list[float]] = defaultdict(list)
    try:
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            for sample in family.samples:
                if name := _NAMES.get(sample.name):
                    values[name].append(sample.value)
        counts = {name: int(sum(found)) for name, found in values.items() if name != "kv_cache_usage"}
    except Exception:  # the parser promises nothing for text of others, and NaN or an infinite number is no count
        return None
    if "waiting" not in counts:
        return None
    return EngineMetrics(
        running=counts.get("running", 0),
        waiting=counts["waiting"],
        prompt_tokens=counts.get("prompt_tokens", 0),
        generation_tokens=counts.get("generation_tokens", 0),
        kv_cache_usage=max(values["kv_cache_usage"], default=0.0),
    )
