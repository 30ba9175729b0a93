"""Every package that pagelake brings along may be used under terms like its own: no GPL, no AGPL, nothing unknown."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import pytest
from licences import (
    KNOWN_BY_HAND,
    LESSER_LIBRARIES,
    Licence,
    default_dependencies,
    libraries_in_wheels,
    licence_of,
    verdict,
)


@pytest.fixture(scope="module")
def licences() -> dict[str, Licence]:
    return {name: licence_of(package) for name, package in default_dependencies("pagelake").items()}


def test_all_default_dependencies_are_looked_at(licences):
    assert {"prefect", "duckdb", "pypdfium2", "rapidocr", "onnxruntime", "sqlalchemy", "httpx"} <= licences.keys()
    assert len(licences) > 50


def test_none_is_under_the_gpl_or_agpl_and_none_is_unknown(licences):
    refused = {name: f"{one.text} ({why})" for name, one in licences.items() if (why := verdict(name, one))}
    assert not refused, "\n".join(f"{name}: {what}" for name, what in sorted(refused.items()))


COPYLEFT_LIBRARIES = re.compile(
    r"lib(av(codec|format|util|device|filter)|sw(scale|resample)|geos|x26[45]|quadmath|gfortran|gmp|readline|mysql)"
)


def test_libraries_inside_wheels_that_are_under_the_lgpl_were_thought_about():
    names = libraries_in_wheels(default_dependencies("pagelake"))
    assert names
    found = {name for name in names if COPYLEFT_LIBRARIES.match(name)}
    assert not {name for name in found if not name.startswith(tuple(LESSER_LIBRARIES))}


def test_what_was_looked_up_by_hand_is_still_needed(licences):
    assert KNOWN_BY_HAND.keys() <= licences.keys()


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("MIT", False),
        ("Apache-2.0", False),
        ("BSD-3-Clause AND MIT", False),
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("GNU General Public License v2 (GPLv2)", True),
        ("GNU Affero General Public License v3", True),
        ("SSPL-1.0", True),
        ("", True),
        ("MIT OR GPL-2.0-only", False),
        ("GPL-2.0-only AND MIT", True),
        ("LGPL-3.0-or-later", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
    ],
)
def test_verdicts(text, refused):
    assert bool(verdict("some-package", Licence(text))) == refused


def test_a_package_that_is_not_installed_is_told():
    with pytest.raises(PackageNotFoundError):
        default_dependencies("no-such-package-4711")


def test_metadata_of_this_project_is_read():
    assert isinstance(distribution("pagelake"), Distribution)
    assert licence_of(distribution("pagelake")).text == "Apache-2.0"
