"""Licences of all that `pip install pagelake` brings along: python tests/licences.py

Read from the metadata of what is installed here, for this platform: the default dependencies, and theirs.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

KNOWN_BY_HAND = {
    "text-unidecode": "Artistic-1.0-Perl OR GPL-2.0-or-later",  # its LICENSE lets one choose; the classifiers list both
}
"""Packages whose metadata do not say it clearly, and what their licence file says."""

LESSER: dict[str, str] = {}
"""Packages under the LGPL that were thought about, and why they are no trouble."""

LESSER_LIBRARIES = {
    "libav": "FFmpeg in OpenCV's wheel, LGPL-2.1: a shared library that may be replaced; pagelake reads no video",
    "libsw": "the same",
    "libgeos": "GEOS in Shapely's wheel, LGPL-2.1: a shared library that may be replaced; RapidOCR asks for Shapely",
    "libquadmath": "GCC's runtime beside OpenBLAS, LGPL-2.1: a shared library that may be replaced",
    "libgfortran": "GCC's runtime beside OpenBLAS, GPL-3.0 with the exception that lets any program use it",
}
"""Libraries inside wheels that their metadata does not tell of, by how their files begin, and why each may be there."""

_FREE = re.compile(
    r"\b(MIT|Apache|BSD|0BSD|ISC|PSF|Python Software Foundation|MPL|Mozilla|Unlicense|Zlib|HPND|CC0|BlueOak|CNRI|"
    r"Public Domain|OFL|Artistic)\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"AGPL|Affero|SSPL|\bGPL|GNU General Public|BUSL|Commons Clause|Elastic|proprietary", re.IGNORECASE
)
_LESSER = re.compile(r"LGPL|Lesser General Public|Library General Public", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Licence:
    """What a package says of itself: an expression, or classifiers and free text."""

    text: str


def default_dependencies(root: str) -> dict[str, Distribution]:
    """What `root` needs without extras, and what that needs, by canonical name; `root` itself left out.

    Raises:
        PackageNotFoundError: `root` is not installed.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting: list[tuple[str, frozenset[str]]] = [(canonicalize_name(root), frozenset())]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.setdefault(name, distribution(name))
        waiting += _needs(found[name], extras)
    del found[canonicalize_name(root)]
    return found


def _needs(package: Distribution, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    needs = [Requirement(line) for line in package.requires or ()]
    return [
        (canonicalize_name(need.name), frozenset(need.extras))
        for need in needs
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (*extras, ""))
    ]


def libraries_in_wheels(packages: dict[str, Distribution]) -> set[str]:
    """Names of the shared libraries that wheels bring along beside their own modules."""
    files = (file for package in packages.values() for file in package.files or ())
    return {file.name for file in files if ".so" in file.name and file.parts[0].endswith(".libs")}


def licence_of(package: Distribution) -> Licence:
    def told(field: str) -> list[str]:
        return [line for line in package.metadata.get_all(field) or () if line.strip() not in ("", "UNKNOWN")]

    if expressions := told("License-Expression"):
        return Licence(expressions[0])
    classifiers = [line.rpartition(" :: ")[2] for line in told("Classifier") if "License ::" in line]
    texts = [text.strip().partition("\n")[0][:200] for text in told("License")]
    return Licence("; ".join([*classifiers, *texts]))


def verdict(name: str, licence: Licence) -> str | None:
    """Why a package may not be brought along; None when it may. Of "A OR B" one is enough."""
    choices = re.split(r"\s+OR\s+", KNOWN_BY_HAND.get(name, licence.text))
    reasons = [_reason(name, choice) for choice in choices]
    return None if None in reasons else reasons[0]


def _reason(name: str, text: str) -> str | None:
    if not text:
        return "it does not say"
    if _LESSER.search(text):
        return None if name in LESSER else "LGPL: think, then name it in LESSER"
    if _REFUSED.search(text):
        return "not compatible with Apache-2.0"
    return None if _FREE.search(text) else "not known to be free"


def main() -> None:
    refused = 0
    try:
        packages = default_dependencies("pagelake")
    except PackageNotFoundError as error:
        sys.exit(f"Not installed: {error}")
    for name, package in sorted(packages.items()):
        licence = licence_of(package)
        why = verdict(name, licence)
        refused += why is not None
        mark = f"  <- {why}" if why else ""
        print(f"{name:<32} {package.version:<14} {KNOWN_BY_HAND.get(name, licence.text)}{mark}")
    for name, why in LESSER_LIBRARIES.items():
        print(f"{name + '*':<32} {'in a wheel':<14} {why}")
    sys.exit(f"{refused} of {len(packages)} packages are refused." if refused else 0)


if __name__ == "__main__":
    main()
