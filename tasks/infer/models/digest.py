"""The short hash that names a `config`: the same values give the same hash, however they were written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

_EXACT = 2**53
"""Up to here a float holds every whole number."""


def digest(shapes: object) -> str:
    """Eight hexadecimal digits of values that JSON can hold; 0 and 0.0 are one number, a list and a tuple one list."""
    return sha256(json.dumps(_plain(shapes), sort_keys=True).encode()).hexdigest()[:8]


def _plain(value: Any) -> object:  # noqa: ANN401  # whatever JSON can hold
    if isinstance(value, Mapping):
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _EXACT:
        return float(value) + 0.0  # no negative zero
    return value
