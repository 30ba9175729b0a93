"""What servers publish at /metrics, and when that means that one hangs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.infer.engines.server_metrics import EngineMetrics, read_metrics
from tasks.infer.engines.stall_watch import StallWatch

TWO_ENGINES = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a, {b} c"} 3.0
vllm:num_requests_running{engine="1",model_name="a, {b} c"} 4.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="a"} 10.0
vllm:num_requests_waiting{engine="1",model_name="a"} 1.0
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{engine="0",model_name="a",reason="capacity"} 10.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="a"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="a"} 0.75
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="a"} 1.2e+06
# TYPE vllm:prompt_tokens_created gauge
vllm:prompt_tokens_created{engine="0",model_name="a"} 1.79e+09
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="a"} 600.0
vllm:generation_tokens_total{engine="1",model_name="a"} 66.0
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="a"} 0.0
"""


def test_the_figures_of_all_engines_are_added_up():
    assert read_metrics(TWO_ENGINES) == EngineMetrics(7, 11, 1_200_000, 666, 0.75)


def test_sglang_tells_its_queue_too():
    text = 'sglang:num_queue_reqs{model_name="a"} 5.0\nsglang:num_running_reqs{model_name="a"} 2.0\n'
    assert read_metrics(text) == EngineMetrics(running=2, waiting=5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>not found</html>",
        "python_info 1.0\n",
        "vllm:num_requests_waiting\n",
        'vllm:num_requests_waiting{engine="0\n',
        "vllm:num_requests_waiting NaN\n",
        "vllm:num_requests_waiting +Inf\n",
        "vllm:num_requests_waiting many\n",
        'vllm:num_requests_waiting 3 #{x="y"} 1\n',
    ],
)
def test_what_tells_no_queue_is_none(text):
    assert read_metrics(text) is None


@given(
    st.one_of(
        st.text(),
        st.text().map(lambda rest: TWO_ENGINES[:90] + rest),
        st.integers(0, 1500).map(lambda end: TWO_ENGINES[:end]),
    )
)
def test_no_text_raises(text):
    read_metrics(text)


@given(
    st.lists(st.tuples(st.integers(0, len(TWO_ENGINES)), st.integers(0, 3), st.text('{}",=\\ #\t\n0e+', max_size=3)))
)
def test_no_page_with_errors_in_it_raises(edits):
    text = TWO_ENGINES
    for at, length, instead in edits:
        text = text[:at] + instead + text[at + length :]
    read_metrics(text)


def look(tokens: int, running: int = 0, waiting: int = 0) -> EngineMetrics:
    return EngineMetrics(running, waiting, generation_tokens=tokens)


def test_a_server_with_work_that_does_not_move_is_stalled_since_it_last_moved():
    watch = StallWatch(100)
    assert watch.stalled_s(look(5, running=1), False, 110) == 0
    assert watch.stalled_s(look(6, running=1), False, 120) == 0
    assert watch.stalled_s(look(6, running=1), False, 130) == 10
    assert watch.stalled_s(look(6, waiting=1), False, 140) == 20
    assert watch.stalled_s(look(7, waiting=1), False, 150) == 0


def test_a_server_without_work_is_not_stalled():
    watch = StallWatch(0)
    watch.stalled_s(look(5), False, 10)
    assert watch.stalled_s(look(5), False, 1000) == 0
    assert watch.stalled_s(look(5, running=1), False, 1010) == 10


def test_work_that_only_we_know_of_counts():
    watch = StallWatch(0)
    watch.stalled_s(look(5), False, 10)
    assert watch.stalled_s(look(5), True, 60) == 50


def test_a_server_that_tells_nothing_any_more_is_stalled_from_then_on_if_it_has_work():
    watch = StallWatch(0)
    watch.stalled_s(look(5), True, 10)
    assert watch.stalled_s(None, True, 60) == 50
    assert watch.stalled_s(None, False, 65) == 0
    assert watch.stalled_s(look(6), True, 70) == 0


def test_a_server_that_never_tells_anything_is_known_by_its_answers():
    watch = StallWatch(0)
    assert watch.stalled_s(None, False, 301) == 0
    assert watch.stalled_s(None, True, 400) == 99
    assert watch.stalled_s(None, True, 410, answers=1) == 0
    assert watch.stalled_s(None, True, 500, answers=1) == 90
    assert watch.stalled_s(None, True, 600, answers=2) == 0


def test_an_answer_is_a_move_though_the_figures_stand_still():
    watch = StallWatch(0)
    watch.stalled_s(look(5, running=1), True, 10, answers=1)
    assert watch.stalled_s(look(5, running=1), True, 60, answers=2) == 0
    assert watch.stalled_s(look(5, running=1), True, 70, answers=2) == 10
