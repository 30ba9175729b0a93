"""What a user may say about how a model is reached."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.infer.engine_options import EngineOptions, option_name

ENDPOINT = "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("endpoint", [ENDPOINT, [ENDPOINT], (ENDPOINT,)])
def test_one_endpoint_alone_is_one(endpoint: Any):
    assert EngineOptions(endpoint=endpoint).endpoint == (ENDPOINT,)


@pytest.mark.parametrize(
    "said",
    [
        {"query": ""},
        {"model_path": ""},
        {"served_name": ""},
        {"api_key_secret": ""},
        {"endpoint": 5},
        {"endpoint": [5]},
        {"region": (5, 5, 1, 1)},
    ],
)
def test_what_says_nothing_is_refused(said: dict[str, Any]):
    [field] = said
    with pytest.raises(ValidationError) as refused:
        EngineOptions.model_validate(said)
    assert refused.value.errors()[0]["loc"][0] == field


def test_what_only_says_something_of_one_way_is_listed():
    assert EngineOptions().given_to_endpoints() == EngineOptions().given_to_vllm() == []
    everything = EngineOptions(
        engine="chat",
        endpoint=(ENDPOINT,),
        served_name="mine",
        answer_timeout_s=60,
        query="?",
        region=(0, 0, 1, 1),
        api_key_secret="key",
        model_path="somewhere",
        tensor_parallel_size=2,
        data_parallel_size=2,
        vllm_arg=("-x",),
    )
    assert everything.given_to_endpoints() == ["--endpoint", "--served-name", "--answer-timeout", "--api-key-secret"]
    assert everything.given_to_vllm() == [
        "--model-path",
        "--tensor-parallel-size",
        "--data-parallel-size",
        "--vllm-arg",
    ]
    listed = {*everything.given_to_endpoints(), *everything.given_to_vllm(), "--engine", "--query", "--region"}
    assert listed == {option_name(field) for field in EngineOptions.model_fields}
