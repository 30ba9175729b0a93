"""What a server that runs code of others sees of our environment."""

from __future__ import annotations

import os

import pytest

from tasks.infer.engines.vllm_environment import server_environment

OURS = ["PAGELAKE_API_KEY", "PAGELAKE_OWNER", "PREFECT_API_KEY", "PREFECT_API_URL", "VLLM_API_KEY"]
OF_AMAZON = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE"]
OF_GOOGLE = ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_API_KEY", "GCP_PROJECT", "CLOUDSDK_CONFIG"]
OF_OTHERS = [
    *("AZURE_STORAGE_CONNECTION_STRING", "FSSPEC_S3", "OPENAI_API_KEY", "openai_api_key", "GITHUB_TOKEN", "PGPASSWORD"),
    *("DB_PASSWORD_FILE", "CLIENT_SECRET", "MY_SECRETS", "STORE_ACCESS_KEY", "SSH_AUTH_SOCK"),
]
NEEDED = [
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HOME", "HF_HUB_OFFLINE", "MODELSCOPE_API_TOKEN", "VLLM_USE_MODELSCOPE"),
    *("VLLM_NO_SECRETS", "PYTHONPATH", "PYTHON_KEYRING_TOKEN", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NCCL_DEBUG"),
    *("LD_LIBRARY_PATH", "PATH", "HOME", "TMPDIR", "HTTPS_PROXY", "TOKENIZERS_PARALLELISM", "OMP_NUM_THREADS"),
]


@pytest.fixture(autouse=True)
def all_are_set(monkeypatch) -> None:
    for name in [*OURS, *OF_AMAZON, *OF_GOOGLE, *OF_OTHERS, *NEEDED]:
        monkeypatch.setenv(name, os.environ.get(name, "x"))


def seen(model: str = "some/model") -> set[str]:
    return set(server_environment({}, {}, model=model))


def test_what_it_needs_it_sees():
    assert set(NEEDED) <= seen()


@pytest.mark.parametrize("name", OURS + OF_AMAZON + OF_GOOGLE + OF_OTHERS)
def test_credentials_it_does_not_see(name):
    assert name not in seen()


def test_a_model_in_a_cloud_is_read_with_that_clouds_credentials():
    assert set(OF_AMAZON) <= seen("s3://weights/model")
    assert set(OF_GOOGLE) <= seen("gs://weights/model")
    assert not {*OURS, *OF_GOOGLE, *OF_OTHERS} & seen("s3://weights/model")
    assert not {*OURS, *OF_AMAZON, *OF_OTHERS} & seen("gs://weights/model")


def test_the_models_environment_wins_over_the_users_and_marks_over_both(monkeypatch):
    monkeypatch.setenv("VLLM_NO_USAGE_STATS", "0")
    monkeypatch.setenv("VLLM_USE_V2_MODEL_RUNNER", "1")
    environment = server_environment({"VLLM_USE_V2_MODEL_RUNNER": "0", "MARK": "model"}, {"MARK": "ours"})
    assert environment["VLLM_USE_V2_MODEL_RUNNER"] == "0"
    assert environment["VLLM_NO_USAGE_STATS"] == "0"
    assert environment["MARK"] == "ours"


def test_what_a_profile_names_is_given_whatever_it_is_called():
    assert server_environment({"AWS_PROFILE": "weights"}, {})["AWS_PROFILE"] == "weights"
