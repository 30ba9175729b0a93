"""The flow as Prefect sees it: its form, its runs, its artifacts, its deployments."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from places import Cli
from plain_pdf import write_pdf
from prefect.flows import load_flow_from_entrypoint

from flows.ingest import ingest

ROOT = Path(__file__).parents[2]


def test_the_form_explains_every_parameter_and_keeps_the_limits():
    properties = ingest.parameters.properties
    assert all(field.get("description") for field in properties.values())
    assert properties["dpi"]["exclusiveMinimum"] == 0
    assert ingest.parameters.required == ["source", "lake"]


@pytest.mark.parametrize("wrong", [{"dpi": 0}, {"limit": 0}, {"image_format": "gif"}])
def test_wrong_parameters_are_refused_before_anything_runs(wrong):
    with pytest.raises(Exception, match=next(iter(wrong))):
        ingest.validate_parameters({"source": ["x"], "lake": "y"} | wrong)


def test_every_deployment_loads_and_takes_its_own_parameters():
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert deployments
    for deployment in deployments:
        path, _, name = deployment["entrypoint"].partition(":")
        loaded: Any = load_flow_from_entrypoint(f"{ROOT / path}:{name}")
        loaded.validate_parameters(deployment["parameters"])


@pytest.fixture(scope="module")
def api(prefect_environment):
    def post(path: str, **body: object) -> list[dict[str, Any]]:
        request = urllib.request.Request(
            f"{prefect_environment['PREFECT_API_URL']}/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    return post


@pytest.mark.integration
def test_a_run_can_be_watched(pagelake: Cli, api, tmp_path):
    write_pdf(tmp_path / "in" / "good.pdf", pages=2)
    (tmp_path / "in" / "bad.pdf").write_bytes(b"%PDF-1.7 cut off")
    ended = pagelake("ingest", tmp_path / "in", "--lake", tmp_path / "lake", "--dpi", "72")
    assert ended.returncode == 0, ended.stderr
    [run] = api("flow_runs/filter", flow_runs={"name": {"any_": [f"{tmp_path}/in → {tmp_path}/lake"]}})
    assert run["state_type"] == "COMPLETED"
    tasks = api("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert sorted(task["name"].split()[0] for task in tasks) == ["discover", "infer", "land", "rasterize"]
    artifacts = {a["key"]: a for a in api("artifacts/filter", flow_runs={"id": {"any_": [run["id"]]}})}
    assert artifacts["pages-read"]["data"] == 100
    assert "| pages read | 2 |" in artifacts["ingest-summary"]["data"]
    [failure] = json.loads(artifacts["ingest-failures"]["data"])
    assert failure["error_kind"] == "corrupt"
    assert failure["uri"].endswith("/bad.pdf")
