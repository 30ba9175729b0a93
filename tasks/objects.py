"""Objects in any storage that fsspec knows: opening URLs, naming objects, and bringing their bytes to this machine.

A local file is read where it lies; anything else is copied to a spool folder first, because PDFium and Pillow want to
seek, and because the worker processes that open documents have no credentials. Listing is `discover`'s affair.

An object's uri is its storage's URL with the object's name as it is, in these forms:

    file:///dir/100%.pdf, s3://bucket/a::b.pdf     nothing in the name is mangled or read as an option
    ftp://host:21/dir/a.pdf                        what comes before the path is what opens the storage
    zip://dir/a.pdf::file:///tmp/x.zip             a chain: what comes after `::` is what the storage lives in
    file+bytes:///dir/caf%E9.pdf                   a name that none of these can carry (it is not UTF-8, or it would be
                                                   read as part of a chain): its bytes, percent-encoded

`open_object` undoes all of them.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from tempfile import NamedTemporaryFile
from typing import IO, Any
from urllib.parse import quote, unquote

import fsspec
from fsspec.implementations.chained import ChainedFileSystem
from fsspec.implementations.local import LocalFileSystem

from tasks.errors import DocumentError, UsageError

CHUNK_BYTES = 4 * 1024 * 1024
MAX_DOCUMENT_BYTES = 4 * 1024**3
"""Larger objects become an error row: more than any PDF or scan in the field, less than a disk."""

UNLISTED_FOLDER = "a folder that cannot be listed"

_PROTOCOL = re.compile(r"([A-Za-z][\w.+-]+)://")
_BYTES_URI = re.compile(r"((?:[\w.-]+::)*[\w.-]+)\+bytes(://.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A document's content on this machine's disk; `doc_id` is the SHA-256 of the bytes, hexadecimal."""

    doc_id: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class OpenedUrl:
    """What a URL names: `path` in `fs`; and how the other paths of `fs` are written as uris.

    `before` and `after` enclose a path; without `before` the file system itself knows how.
    """

    fs: fsspec.AbstractFileSystem
    path: str
    before: str | None = None
    after: str = ""

    def uri(self, path: str) -> str:
        """The uri that `open_object` opens as this path."""
        uri = self.fs.unstrip_protocol(path) if self.before is None else f"{self.before}{path}{self.after}"
        if _is_utf8(uri) and (self.before is None or self._carries(path)):
            return uri
        protocol, mark, start = (self.before or uri[: uri.index("://") + 3]).partition("://")
        if not mark:
            raise UsageError(f"The name {printable(path)} cannot be part of a chained URL.")
        rest = path if self.before is not None else uri.partition("://")[2]
        return f"{protocol}+bytes://{start}{quote(rest, safe='/', errors='surrogateescape')}{self.after}"

    def _carries(self, path: str) -> bool:
        """Whether the storage, when it takes its URL apart, finds this path whole."""
        bit = str(self.before).rpartition("::")[2]
        return "::" not in path and (not bit or _path_in(f"{bit}{path}") == path)


def is_local_path(url: str) -> bool:
    """Whether `url` is a path of this machine's file system, without a protocol."""
    return not _PROTOCOL.match(url) and not _is_chain(url)


def open_url(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """File system and path of an fsspec URL or a local path (`~`, `..` and relative paths made absolute).

    Raises:
        UsageError: the protocol is unknown, its library is missing, or it refuses its options.
    """
    with _told_as_usage(url):
        return (fsspec.filesystem("file"), _absolute(url)) if is_local_path(url) else _connect(url)


def open_nameable(url: str) -> OpenedUrl:
    """Like `open_url`, with what it takes to write uris of the objects that are found there.

    Raises:
        UsageError: as `open_url`; or the objects could not be opened again by their uris alone.
    """
    with _told_as_usage(url):
        return _open(url)


def open_object(uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """File system and path of one object. Unlike `open_url` this takes every character of the uri as it is."""
    as_bytes = _BYTES_URI.fullmatch(uri)
    fs, path = _connect(f"{as_bytes[1]}{as_bytes[2]}" if as_bytes else uri)
    return fs, unquote(path, errors="surrogateescape") if as_bytes else path


def holds_password(url: str) -> bool:
    """Whether a URL that opens its storage with options (`ftp://user:password@host/…`) has a password among them."""
    bits = url.split("::") if _is_chain(url) else [url]
    with suppress(Exception):  # what cannot be opened is told when it is opened
        return any(_options(bit).get("password") for bit in bits if "://" in bit)
    return False


@contextmanager
def local_copy(uri: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> Generator[LocalCopy]:
    """The object's bytes as a local file for the length of the block, and their hash.

    Raises:
        DocumentError: `vanished`, `unreadable_source`, `too_many_bytes`.
    """
    fs, path, source = _open_to_read(uri)
    with source:
        if isinstance(fs, LocalFileSystem):
            doc_id, size = _hash(source, None, max_bytes)
            yield LocalCopy(doc_id, Path(path), size)
            return
        with NamedTemporaryFile(prefix="pagelake-") as spool:
            doc_id, size = _hash(source, spool, max_bytes)
            spool.flush()
            yield LocalCopy(doc_id, Path(spool.name), size)


def printable(text: str) -> str:
    """The text without what cannot be stored as UTF-8: undecodable bytes of file names become `\\udc..`."""
    return text.encode("utf-8", "backslashreplace").decode()


def one_line(error: Exception) -> str:
    """What an error of a library says, fit for a message or a row."""
    return printable(" ".join(str(error).split())) or type(error).__name__


@contextmanager
def _told_as_usage(url: str) -> Generator[None]:
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # every storage library has errors of its own
        raise UsageError(f"Cannot open {printable(url)}: {one_line(error)}") from error


def _open(url: str) -> OpenedUrl:
    if is_local_path(url):
        return OpenedUrl(fsspec.filesystem("file"), _absolute(url))
    if _is_chain(url):
        url = _absolute_chain(url)
        before, after = _around_chained(url)
    else:
        before, after = (_before(url), "") if _options(url) else (None, "")
    fs, path = _connect(url)
    opened = OpenedUrl(fs, path, before, after)
    if before is not None and (not _is_utf8(before + after) or _connect(opened.uri(path)) != (fs, path)):
        raise UsageError(
            f"Cannot open {printable(url)}: its objects would have no URL of their own. Unpack or mount it, or give"
            " the storage's options in fsspec's configuration files instead of in the URL."
        )
    return opened


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111  # resolve() follows links, and ~x may be a name


def _connect(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    if _is_chain(url):
        fs, path = fsspec.core.url_to_fs(url)
        return fs, str(path)
    fs = fsspec.filesystem(url.partition("://")[0], **_options(url))
    return fs, str(fs._strip_protocol(url))


def _options(url: str) -> dict[str, Any]:
    """What the URL says beside the path, such as a host.

    Where protocol and path are the whole URL there is nothing beside: `?versionId=1` is part of a name then.
    """
    protocol = url.partition("://")[0]
    path = _path_in(url)
    if url.rstrip("/") in (path, f"{protocol}://{path}".rstrip("/")):
        return {}
    return fsspec.get_filesystem_class(protocol)._get_kwargs_from_urls(url)


def _path_in(url: str) -> str:
    return str(fsspec.get_filesystem_class(url.partition("://")[0])._strip_protocol(url))


def _before(url: str) -> str:
    """The URL up to where its path begins."""
    path = _path_in(url)
    for whole in (url, url.rstrip("/"), f"{url}/"):
        if whole.endswith(path):
            return whole.removesuffix(path)
    raise UsageError(f"Cannot open {printable(url)}: it does not end with the path {printable(path)}.")


def _is_chain(url: str) -> bool:
    """Whether `::` in this URL means a storage inside another one; in most URLs it is part of a name."""
    head, mark, _ = url.partition("::")
    return bool(mark) and _lives_in_another(head.partition("://")[0])


@cache
def _lives_in_another(protocol: str) -> bool:
    if not re.fullmatch(r"[A-Za-z][\w.+-]*", protocol):
        return False
    try:
        parameters = inspect.signature(fsspec.get_filesystem_class(protocol).__init__).parameters
    except ValueError:
        return False
    except ImportError:
        return True  # to open it will say which library is missing
    return not parameters.keys().isdisjoint({"fo", "target_protocol"}) or _only_passes_on(protocol)


def _only_passes_on(protocol: str) -> bool:
    return issubclass(fsspec.get_filesystem_class(protocol), ChainedFileSystem)


def _absolute_chain(url: str) -> str:
    """The chain with a protocol at every bit that has a path, and no path that depends on the working directory."""
    *bits, last = url.split("::")
    if not _PROTOCOL.match(last) or last.startswith(("file://", "local://")):
        last = f"file://{_absolute(last.partition('://')[2] if _PROTOCOL.match(last) else last)}"
    return "::".join([*(bit if "://" in bit else f"{bit}://" for bit in bits), last])


def _around_chained(url: str) -> tuple[str, str]:
    """What encloses a path of a chained URL: that of its first bit which has a path of its own."""
    bits = url.split("::")
    own = next(n for n, bit in enumerate(bits) if not (bit.endswith("://") and _only_passes_on(bit[:-3])))
    before = "::".join([*(bit[:-3] for bit in bits[:own]), _before(bits[own])])
    return before, "".join(f"::{bit.removesuffix('://')}" for bit in bits[own + 1 :])


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _open_to_read(uri: str) -> tuple[fsspec.AbstractFileSystem, str, IO[bytes]]:
    try:
        fs, path = open_object(uri)
        if isinstance(fs, LocalFileSystem):
            _refuse_what_is_no_file(Path(path).stat().st_mode)
    except DocumentError:
        raise
    except FileNotFoundError as error:
        raise DocumentError("vanished", printable(uri)) from error
    except Exception as error:  # every storage library has errors of its own
        raise DocumentError("unreadable_source", one_line(error)) from error
    try:
        return fs, path, fs.open(path, "rb")
    except Exception as error:
        if _is_folder(fs, path):
            raise DocumentError("unreadable_source", UNLISTED_FOLDER) from error
        if isinstance(error, FileNotFoundError):
            raise DocumentError("vanished", printable(uri)) from error
        raise DocumentError("unreadable_source", one_line(error)) from error


def _is_folder(fs: fsspec.AbstractFileSystem, path: str) -> bool:
    try:
        return bool(fs.isdir(path))
    except Exception:
        return False


def _refuse_what_is_no_file(mode: int) -> None:
    if S_ISDIR(mode):
        raise DocumentError("unreadable_source", UNLISTED_FOLDER)
    if not S_ISREG(mode):
        raise DocumentError("unreadable_source", "not a regular file")  # a pipe would be waited for, for ever


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
    except DocumentError:
        raise
    except Exception as error:  # a bad checksum in an archive, a lost connection
        raise DocumentError("unreadable_source", one_line(error)) from error
    return digest.hexdigest(), size
