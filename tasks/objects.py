"""Objects in any storage that fsspec knows: opening URLs, and bringing an object's bytes to this machine.

A local file is read where it lies; anything else is copied to a spool folder first, because PDFium and Pillow want to
seek, and because the worker processes that open documents have no credentials. Listing is `discover`'s affair.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from tempfile import NamedTemporaryFile
from typing import IO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tasks.errors import DocumentError, UsageError

CHUNK_BYTES = 4 * 1024 * 1024
MAX_DOCUMENT_BYTES = 4 * 1024**3
"""Larger objects become an error row: more than any PDF or scan in the field, less than a disk."""


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A document's content on this machine's disk; `doc_id` is the SHA-256 of the bytes, hexadecimal."""

    doc_id: str
    path: Path
    size: int


def is_local_path(url: str) -> bool:
    """Whether `url` is a path of this machine's file system, without a protocol."""
    return "://" not in url and "::" not in url


def open_url(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """File system and path of an fsspec URL or a local path (`~`, `..` and relative paths made absolute).

    Raises:
        UsageError: the protocol is unknown, its library is missing, or it refuses its options.
    """
    try:
        fs, path = fsspec.core.url_to_fs(_absolute(url) if is_local_path(url) else url)
    except (ImportError, ValueError, OSError) as error:
        raise UsageError(f"Cannot open {url}: {error}") from error
    return fs, str(path)


def _absolute(path: str) -> str:
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100  # resolve() would follow links: names would change


def open_object(uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """File system and path of one object. Unlike `open_url` this takes every character of the uri as it is."""
    fs = fsspec.filesystem(uri.partition("://")[0])
    return fs, str(fs._strip_protocol(uri))


@contextmanager
def local_copy(uri: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> Generator[LocalCopy]:
    """The object's bytes as a local file for the length of the block, and their hash.

    Raises:
        DocumentError: `vanished`, `unreadable_source`, `too_many_bytes`.
    """
    try:
        fs, path = open_object(uri)
        if isinstance(fs, LocalFileSystem) and not S_ISREG(Path(path).stat().st_mode):
            raise DocumentError("unreadable_source", "not a regular file")  # a pipe would be waited for, for ever
        source = fs.open(path, "rb")
    except FileNotFoundError as error:
        raise DocumentError("vanished", uri) from error
    except (OSError, ValueError, ImportError) as error:
        raise DocumentError("unreadable_source", str(error)) from error
    with source:
        if isinstance(fs, LocalFileSystem):
            doc_id, size = _hash(source, None, max_bytes)
            yield LocalCopy(doc_id, Path(path), size)
            return
        with NamedTemporaryFile(prefix="pagelake-") as spool:
            doc_id, size = _hash(source, spool, max_bytes)
            spool.flush()
            yield LocalCopy(doc_id, Path(spool.name), size)


def _hash(source: IO[bytes], copy: IO[bytes] | None, max_bytes: int) -> tuple[str, int]:
    digest, size = sha256(), 0
    try:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            if size > max_bytes:
                raise DocumentError("too_many_bytes", f"more than {max_bytes} bytes")
            if copy is not None:
                copy.write(chunk)
    except OSError as error:
        raise DocumentError("unreadable_source", str(error)) from error
    return digest.hexdigest(), size
