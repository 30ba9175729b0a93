"""The environment with the real vLLM is made once, from its pins alone, and says why when it cannot be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from real_vllm import environment


@pytest.fixture
def pins(tmp_path, monkeypatch):
    """Other pins, and a folder of their own."""
    pins = tmp_path / "requirements.txt"
    pins.write_text("./is-not-there.whl\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", pins)
    monkeypatch.setenv("PAGELAKE_TEST_VLLM_VENV", str(tmp_path / "venv"))
    return pins


@pytest.fixture
def made(monkeypatch):
    """How often one was made, by a stand-in that does nothing else than what a later look needs."""
    made = []

    def make(where, wanted):
        (where / "bin").mkdir(parents=True, exist_ok=True)
        (where / "bin" / "python").touch()
        made.append(wanted)
        (where / environment.STAMP).write_text(wanted)

    monkeypatch.setattr(environment, "make", make)
    return made


def test_it_is_made_once_and_again_when_the_pins_change(pins, made):
    assert environment.ensure() == environment.ensure()
    assert len(made) == 1
    pins.write_text("other\n")
    environment.ensure()
    assert len(made) == 2


def test_who_comes_while_it_is_made_waits_for_it(pins, made):
    with ThreadPoolExecutor(4) as pool:
        assert len({*pool.map(lambda _: environment.ensure(), range(4))}) == 1
    assert len(made) == 1


def test_pins_that_cannot_be_installed_are_told_and_leave_nothing_that_fits(pins):
    with pytest.raises(environment.EnvironmentUnusable, match=r"(?s)could not install.*is-not-there\.whl"):
        environment.ensure()
    assert not environment.fits(environment.folder(), environment.fingerprint())


@pytest.mark.parametrize(
    ("variables", "left_out", "required"),
    [
        ({}, False, False),
        ({"CI": "true"}, False, True),
        ({"PAGELAKE_TEST_VLLM": "required"}, False, True),
        ({"PAGELAKE_TEST_VLLM": "0"}, True, False),
    ],
)
def test_how_much_the_tests_insist(monkeypatch, variables, left_out, required):
    for name in ("CI", "PAGELAKE_TEST_VLLM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (environment.left_out(), environment.required()) == (left_out, required)
