"""Which weights answer: a name for them that is the same on every machine, for `config`.

Weights from the hub go by its id. Those in a folder go by what is in it, wherever it lies: a fine-tuned model has the
files of the published one, by name and by size, so pieces of their content count too. Two copies of the same weights
are one; a copy of published weights is not the same as their hub id, since nobody looks there to compare.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tasks.errors import UsageError

SUFFIXES = frozenset(
    {".safetensors", ".bin", ".gguf", ".pt", ".pth", ".json", ".jinja", ".model", ".tiktoken", ".txt", ".py"}
)
"""Of files that shape answers: weights, settings, the tokenizer, the chat template, the model's own code."""

WHOLE_BYTES = 32 << 20
"""A file up to this size is read whole."""
PIECES, PIECE_BYTES = 64, 64 << 10
"""Of a larger one: so many pieces, spread from its first byte to its last."""


def revision_of(weights: str) -> str:
    """A hub id as it is; for a folder, or one file of weights, a digest.

    Raises:
        UsageError: its files cannot be read.
    """
    path = Path(weights)
    try:
        if os.path.isfile(weights):  # noqa: PTH113  # a hub id may be too long for a path, which Path raises
            return _of_files([path])
        if os.path.isdir(weights):  # noqa: PTH112
            return _of_files(sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file()))
    except OSError as error:
        raise UsageError(f"The model's weights in {weights} cannot be read: {error.strerror or error}.") from None
    return weights


def _of_files(files: list[Path]) -> str:
    whole = sha256()
    for file in files:
        size_bytes = file.stat().st_size
        content = sha256()
        for piece in _pieces(file, size_bytes):
            content.update(piece)
        whole.update(f"{file.name}\0{size_bytes}\0{content.hexdigest()}\n".encode("utf-8", "surrogateescape"))
    return f"weights {whole.hexdigest()[:16]}"


def _pieces(file: Path, size_bytes: int) -> Iterator[bytes]:
    with file.open("rb", buffering=0) as opened:
        if size_bytes <= WHOLE_BYTES:
            while piece := opened.read(1 << 20):
                yield piece
            return
        for number in range(PIECES):
            opened.seek((size_bytes - PIECE_BYTES) * number // (PIECES - 1), os.SEEK_SET)
            yield opened.read(PIECE_BYTES)
