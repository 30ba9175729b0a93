"""What a failed vLLM printed, read as one line that names the cause.

`vllm_logs` holds what vLLM 0.32 printed when it was made to fail, shortened inside the tracebacks. What takes a GPU to
provoke is written out below, in vLLM's and PyTorch's own words.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.infer.engines.vllm_log import death_reason, last_words, masked, reason_of

LOGS = Path(__file__).with_name("vllm_logs")

REAL = {
    "bad-value": ("invalid human_readable_int_or_auto value: 'many'", "Check the arguments"),
    "broken-weights": ("SafetensorError: Error while deserializing header: incomplete metadata", "fetch them again"),
    "engine-killed": ("engine core exited unexpectedly", "memory ran out"),
    "missing-folder": ("'/models/nothing'", "the folder that holds the model's config.json"),
    "no-cache": ("Available memory on node 0 (7.93/9.46 GiB) on kv cache allocation is less than requested", ""),
    "no-such-processor": ("Failed to load 0th LogitsProcessor plugin no.such:Thing", ""),
    "offline-hub": ("outgoing traffic has been disabled", "a hub id that this machine can reach"),
    "port-in-use": ("Address already in use", "run the same command again"),
    "small-cache": ("the estimated maximum model length is 3968", "smaller --max-model-len"),
    "too-long": ("max_model_len (100000) is greater than the derived", "smaller --max-model-len"),
    "uneven-heads": ("attention heads (2) must be divisible by tensor parallel size (3)", ""),
    "unknown-architecture": ("['NoSuchForConditionalGeneration'] are not supported", "a newer one may"),
    "unknown-argument": ("unrecognized arguments: --no-such-flag", "Check the arguments"),
    "unknown-type": ("model type `nosuch_vl`", "a newer one may"),
    "unreachable-hub": ("We couldn't connect to 'https://huggingface.co'", "a hub id that this machine can reach"),
    "worker-killed": ("Worker proc VllmWorker-0 died unexpectedly (exit code: -9)", "memory ran out"),
}

WORKER, ENGINE = (
    "(Worker_TP0 pid=7) ERROR 11-21 12:00:00 [x.py:1] ",
    "(EngineCore_DP0 pid=6) ERROR 11-21 12:00:01 [x.py:2] ",
)
GENERIC = (
    f"{ENGINE}EngineCore failed to start.\n{ENGINE}Traceback (most recent call last):\n"
    f"{ENGINE}Exception: WorkerProc initialization failed due to an exception in a background process. See stack trace "
    "for root cause.\n"
    "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}\n"
)
ON_GPUS = {
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 50.00 MiB. GPU 0 has a total capacity of 23.56 GiB "
    "of which 21.75 MiB is free. Including non-PyTorch memory, this process has 23.50 GiB memory in use.": (
        "CUDA out of memory. Tried to allocate 50.00 MiB.",
        "--gpu-memory-utilization",
    ),
    "ValueError: Free memory on device cuda:0 (111.99/139.8 GiB) on startup is less than desired GPU memory "
    "utilization (0.95, 132.81 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.": (
        "Free memory on device cuda:0 (111.99/139.8 GiB)",
        "nvidia-smi",
    ),
    "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing "
    "the engine.": ("No available memory for the cache blocks", "larger --gpu-memory-utilization"),
    "ValueError: NGramPerReqLogitsProcessor is not a subclass of vllm.v1.worker.gpu.sample.logits_processor."
    "LogitsProcessor": ("NGramPerReqLogitsProcessor", "VLLM_USE_V2_MODEL_RUNNER=0"),
    "RuntimeError: Could not find nvcc and default cuda_home='/usr/local/cuda' doesn't exist": (
        "Could not find nvcc",
        "VLLM_USE_FLASHINFER_SAMPLER=0",
    ),
}


@pytest.mark.parametrize("name", sorted(path.stem for path in LOGS.iterdir()))
def test_real_failures_are_told_by_their_cause_and_with_advice(name):
    cause, advice = REAL[name]
    reason = reason_of((LOGS / f"{name}.txt").read_text())
    assert cause in reason
    assert advice in reason
    assert "See root cause above" not in reason


@pytest.mark.parametrize("said", ON_GPUS)
def test_failures_on_gpus_are_told_by_what_the_worker_said(said):
    log = f"{WORKER}WorkerProc failed to start.\n{WORKER}Traceback (most recent call last):\n{WORKER}{said}\n{GENERIC}"
    cause, advice = ON_GPUS[said]
    reason = reason_of(log)
    assert cause in reason
    assert advice in reason


def test_errors_of_single_requests_before_the_fatal_one_are_not_the_cause():
    request = "(APIServer pid=5) ERROR 11-21 11:00:00 [serving.py:1] ValueError: the picture is empty\n"
    fatal = f"{ENGINE}EngineCore encountered a fatal error.\n{ENGINE}RuntimeError: the needle is broken\n"
    assert reason_of(request + fatal + request) == "RuntimeError: the needle is broken"


def test_what_is_only_warned_of_is_not_the_cause():
    warned = "WARNING 11-21 11:00:00 [plugins.py:1] ImportError: no plugin\n"
    assert reason_of(f"ValueError: the needle is broken\n{warned}") == "ValueError: the needle is broken"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (1, "RuntimeError: boom"),
        (137, "it was killed from outside, as the kernel does when memory runs out; it said: RuntimeError: boom"),
        (139, "it was ended by signal 11; it said: RuntimeError: boom"),
        (None, "its keeper was killed; it said: RuntimeError: boom"),
    ],
)
def test_how_it_ended_is_told_with_what_it_said(status, told):
    assert death_reason(status, "INFO 11-21 11:00:00 [a.py:1] all is well\nRuntimeError: boom\n") == told


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (3, "it ended with status 3 and said nothing"),
        (137, "it was killed from outside, as the kernel does when memory"),
    ],
)
def test_a_server_that_said_nothing_has_a_reason_too(status, told):
    assert death_reason(status, "\n").startswith(told)


def test_a_server_that_is_killed_is_not_blamed_for_its_last_harmless_line():
    assert "Route" not in death_reason(137, "INFO 11-21 11:00:00 [a.py:1] Route: /health, Methods: GET\n")


def test_progress_is_the_last_line_that_tells_something():
    log = "(Worker pid=7) INFO 11-21 12:00:00 [loader.py:3] Loading weights\r  50% Completed\n\n   ▀▀  ▀▀\n"
    assert last_words(log) == "50% Completed"


@pytest.mark.parametrize(
    ("text", "kept", "hidden"),
    [
        ("using hf_abcdefghijklmnop now", "using hf_*** now", "abcdef"),
        ("Authorization: Bearer abc.def-ghi", "Bearer ***", "abc.def"),
        ("non-default args: {'api_key': ['s3cr3t-value'], 'port': 8}", "'port': 8", "s3cr3t"),
        ("HF_TOKEN=abcdefgh1234 vllm", "HF_TOKEN=*** vllm", "abcdefgh"),
        ("https://user:pass@host/x", "https://***@host/x", "pass"),
    ],
)
def test_secrets_are_masked(text, kept, hidden):
    assert kept in masked(text)
    assert hidden not in masked(text)
    assert hidden not in reason_of(f"ValueError: {text}")
    assert hidden not in last_words(text)


def test_words_that_only_look_like_secrets_are_kept():
    said = "eos_token_id=151645, max_num_batched_tokens: 2048, tokenizer='/models/dots', tokens: None"
    assert masked(said) == said


PIECES = st.sampled_from(
    [
        "Traceback (most recent call last):\n",
        "EngineCore failed to start.\n",
        "ValueError: x",
        "\r",
        "\n",
        "  ",
        "x: error: ",
    ]
)


@given(st.lists(st.one_of(st.text(), PIECES)).map("".join), st.one_of(st.none(), st.integers(0, 255)))
def test_any_output_gives_one_bounded_line(log, status):
    for line in (reason_of(log), death_reason(status, log), last_words(log)):
        assert len(line) < 1000
        assert len(line.splitlines()) <= 1


def test_a_long_log_without_an_end_is_read_fast():
    assert len(reason_of("A" * 2_000_000)) < 1000
    assert len(reason_of(("token" * 1000 + "\n") * 400)) < 1000
