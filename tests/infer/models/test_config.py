"""What a user says that shapes answers makes another `config`; what does not, and other ways to say it, do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.infer.models import DEFAULT_MODEL, MODELS_VARIABLE, chat_profile, find_profile, weights
from tasks.infer.models.digest import digest
from tasks.infer.models.vllm_shaping import SHAPING, shaping_args
from tasks.infer.models.weights import revision_of

Configs = Callable[..., str]


@pytest.fixture
def config(tmp_path: Path, monkeypatch) -> Configs:
    """The config of a model, with a model file of this text."""
    numbers = iter(range(100))

    def of(toml: str = "", name: str = "dots.ocr", **said) -> str:
        path = tmp_path / f"{next(numbers)}.toml"
        path.write_text(toml or "models = {}")
        monkeypatch.setenv(MODELS_VARIABLE, str(path))
        return find_profile(name, **said).config("r")

    return of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return weights_in(tmp_path / "weights")


def weights_in(folder: Path, content: bytes = b"numbers") -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(content)
    return folder


def test_the_config_of_cpu_layout_stays():
    assert find_profile(DEFAULT_MODEL).config("200dpi-jpeg95") == "42043277"


@pytest.mark.parametrize(
    "toml",
    [
        '[models."dots.ocr-text"]\nprompt = "Say hello"',
        '[models."dots.ocr-text"]\nsampling = { max_tokens = 100 }',
        '[models."dots.ocr-text"]\ntext_format = "plain"',
        '[models."dots.ocr"]\nfallback = ""',
        '[models."dots.ocr"]\nvllm = { model_id = "someone/fine-tuned" }',
        '[models."dots.ocr"]\nvllm = { args = ["--quantization=fp8"] }',
        '[models."dots.ocr"]\nengine = "got"\nfallback = ""\nsampling = { extra = { type = "plain" } }',
    ],
)
def test_what_shapes_answers_is_hashed(config: Configs, toml: str):
    assert config(toml) != config()


@pytest.mark.parametrize(
    "toml",
    [
        '[models."dots.ocr"]\nserved_name = "mine"',
        '[models."dots.ocr-text"]\nserved_name = "mine"\ndescription = "other words"\nlast_resort = ""',
        '[models."dots.ocr-layout"]\nprompt = "Another model than the fallback"',
        '[models."dots.ocr"]\nvllm = { model_id = "rednote-hilab/dots.ocr", environment = { A = "b" } }',
        '[models."dots.ocr"]\nvllm = { args = ["--chat-template-content-format", "string", "--max-model-len=16384"] }',
    ],
)
def test_what_shapes_none_is_not(config: Configs, toml: str):
    assert config(toml) == config()


def test_the_ladder_is_hashed(config: Configs, monkeypatch):
    before = config()
    monkeypatch.setattr(chat_profile, "WARMER", 0.3)
    warmer = config()
    monkeypatch.setattr(chat_profile, "REPETITION", {"min_count": 12})
    assert len({before, warmer, config()}) == 3


def test_a_number_is_one_number_however_it_is_written(config: Configs):
    zero = '[models."dots.ocr"]\nsampling = { temperature = 0, extra = { top_k = 5 } }'
    real = '[models."dots.ocr"]\nsampling = { temperature = 0.0, extra = { top_k = 5.0 } }'
    assert config(zero) == config(real)
    whole = config(name="dots.ocr-region", region=(0, 0, 1, 1))
    assert whole == config(name="dots.ocr-region", region=(0.0, -0.0, 1.0, 1.0))
    assert config('[models."dots.ocr"]\nsampling = { extra = { seed = ' + "9" * 400 + " } }") != config()


@given(st.recursive(st.integers() | st.booleans() | st.text() | st.none(), lambda inner: st.lists(inner, max_size=4)))
def test_only_equal_values_have_one_digest(value):
    assert digest([value]) == digest((value,))
    assert digest([value]) != digest([[value]])
    assert digest([1]) != digest([True]) != digest(["1"])


def test_other_weights_are_another_config_wherever_they_lie(config: Configs, folder: Path, tmp_path: Path, monkeypatch):
    first = config(weights=str(folder))
    assert first != config() != config(weights="someone/fine-tuned")
    copy = weights_in(tmp_path / "copy")
    monkeypatch.chdir(tmp_path)
    assert config(weights=str(copy)) == config(weights="copy") == first
    linked = tmp_path / "linked"
    linked.mkdir()
    for file in folder.iterdir():
        (linked / file.name).symlink_to(file)
    (linked / "README.md").write_text("no part of it")
    assert config(weights=str(linked)) == first
    assert config(weights=str(weights_in(tmp_path / "tuned", b"Numbers"))) != first


def test_published_weights_by_their_own_name_are_no_other(config: Configs):
    assert config(weights="rednote-hilab/dots.ocr") == config()


def test_a_model_file_names_weights_as_the_command_line_does(config: Configs, folder: Path):
    toml = f'[models."dots.ocr"]\nvllm = {{ model_id = "{folder}" }}'
    assert config(toml) == config(weights=str(folder)) == config(toml, weights=str(folder))


def test_a_revision_of_the_model_file_holds_for_its_own_weights(config: Configs, folder: Path, tmp_path: Path):
    toml = '[models."dots.ocr"]\nrevision = "fine-tuned 2026-11"\nvllm = { model_id = "%s" }'
    named = config(toml % folder)
    assert named == config(toml % "/not/on/this/machine") == config(toml % folder, weights=str(folder))
    other = weights_in(tmp_path / "other", b"others")
    assert config(toml % folder, weights=str(other)) == config(weights=str(other)) != named


def test_large_files_are_told_apart_by_pieces(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(weights, "WHOLE_BYTES", 100)
    monkeypatch.setattr(weights, "PIECE_BYTES", 10)
    revisions = set()
    for changed in (None, 0, 999_999):
        content = bytearray(1_000_000)
        if changed is not None:
            content[changed] = 1
        revisions.add(revision_of(str(weights_in(tmp_path / str(changed), bytes(content)))))
    assert len(revisions) == 3
    assert revision_of(str(tmp_path / "None" / "model.safetensors")) not in revisions


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_weights_that_cannot_be_read_are_told(folder: Path):
    (folder / "model-2.safetensors").symlink_to("/proc/self/mem")
    with pytest.raises(UsageError, match="cannot be read: Input/output error"):
        revision_of(str(folder))


def test_weights_of_no_file_go_by_their_name():
    for named in ("rednote-hilab/dots.ocr", "unsloth/x:Q4", "/none/such", "a\0b", "x" * 5000):
        assert revision_of(named) == named


@pytest.mark.parametrize("args", [["--quantization=fp8"], ["-q", "fp8"], ["--dtype", "half"], ["--hf-overrides.a=1"]])
def test_what_vllm_is_told_of_numbers_is_hashed(config: Configs, args: list[str]):
    assert config(vllm_args=args) != config()


def test_what_vllm_is_told_of_memory_and_speed_is_not(config: Configs):
    args = [
        "--max-num-seqs",
        "64",
        "--gpu-memory-utilization=0.8",
        "--enforce-eager",
        "-tp",
        "2",
        "--max-model-len=8192",
    ]
    assert config(vllm_args=args) == config()


@given(st.lists(st.tuples(st.sampled_from(sorted(SHAPING | {"--max-num-seqs", "--seed"})), st.sampled_from("ab"))))
def test_arguments_are_the_same_however_they_are_written(args: list[tuple[str, str]]):
    words = shaping_args(word for pair in args for word in pair)
    assert words == shaping_args("=".join(pair) for pair in args)
    assert words == shaping_args(f"--{flag[2:].replace('-', '_')}={value}" for flag, value in args)
    assert words == [list(pair) for pair in args if pair[0] in SHAPING]


def test_an_argument_that_is_cut_short_counts():
    assert shaping_args(["--quantiz=fp8"]) == [["--quantiz", "fp8"]]
    assert shaping_args(["--max-num", "2", "fp8"]) == []
