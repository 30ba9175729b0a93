"""Where each table's files lie in the lake. A file's name is computed from its input alone."""

from __future__ import annotations

RENDER = "render="
NO_PARTITION = "_"
"""In the place of a partition's value: the folder holds a schema and no rows."""


def pages_folder(render_id: str) -> str:
    return f"pages/{RENDER}{render_id}"


def pages_file(render_id: str, shard: str) -> str:
    return f"{pages_folder(render_id)}/{shard}.parquet"


def responses_folder(model: str, config: str) -> str:
    return f"responses/model={model}/config={config}"


def responses_file(model: str, config: str, shard: str) -> str:
    return f"{responses_folder(model, config)}/{shard}.parquet"


def elements_folder(model: str, config: str) -> str:
    return f"elements/model={model}/config={config}"


def elements_file(model: str, config: str, shard: str) -> str:
    return f"{elements_folder(model, config)}/{shard}.parquet"
