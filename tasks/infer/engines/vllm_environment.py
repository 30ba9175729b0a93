"""Which of our environment's variables a vLLM server gets. Pure but for reading the environment.

It runs code that a model's repository brings (--trust-remote-code), so it gets no credential that it does not need:
neither ours nor those of clouds, databases and other services. What it may need is too much to be listed, so what looks
like a credential is taken away and the rest stays.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_OURS = re.compile("PAGELAKE_.*|PREFECT_.*|VLLM_API_KEY")

_NEEDED = re.compile("HF_.*|HUGGING_?FACE_.*|MODELSCOPE_.*|VLLM_.*|PYTHON.*|CUDA.*|NCCL.*")
"""Of the hubs that weights come from, of vLLM and of what it runs on."""

_CREDENTIALS = re.compile(
    ".*(SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL).*|.*_(API_?KEY|TOKEN|ACCESS_KEY|ACCESS_KEY_ID|PRIVATE_KEY|PAT)"
    "|(AWS|AZURE|GOOGLE|GCP|GCLOUD|CLOUDSDK|FSSPEC)_.*|.*_CONNECTION_STRING|SSH_AUTH_SOCK|PGPASSFILE|NETRC"
)
_OF_STORES = {"s3://": re.compile("AWS_.*"), "gs://": re.compile("(GOOGLE|GCP|GCLOUD|CLOUDSDK)_.*")}
"""What reads a model's weights from where its address says."""


def server_environment(profile: Mapping[str, str], marks: Mapping[str, str], *, model: str = "") -> dict[str, str]:
    """Our environment without what is ours alone and without the credentials of others, and the profile's variables.

    The hub's token stays; a cloud's stay where `model` is an address of its store. `marks` let the server's processes
    be found again.
    """
    kept = {name: value for name, value in os.environ.items() if _may_be_seen(name.upper(), model)}
    own = {
        "VLLM_NO_USAGE_STATS": "1",
        "PYTHONUNBUFFERED": "1",  # what it says last is what we want to know
        "PYTHONSAFEPATH": "1",  # a file in the present folder is no module of vLLM
        "SPT_NOENV": "1",  # setproctitle writes its titles over the environment, and our marks with it
    }
    return own | kept | dict(profile) | dict(marks)


def _may_be_seen(name: str, model: str) -> bool:
    if _OURS.fullmatch(name):
        return False
    if _NEEDED.fullmatch(name) or not _CREDENTIALS.fullmatch(name):
        return True
    return any(model.startswith(scheme) and names.fullmatch(name) for scheme, names in _OF_STORES.items())
