"""List a collection: a file, a folder, a glob or any fsspec URL becomes a sorted list of objects.

Nothing is left out by its name: what pagelake cannot read is told by its content, later, in a row. Only the lake
itself, where it lies inside the collection, is not listed. Objects are not opened here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import fsspec

from tasks.errors import UsageError
from tasks.objects import is_local_path, open_object, open_url

_ETAG_KEYS = ("ETag", "etag", "md5Hash", "content_md5")
_MODIFIED_KEYS = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")


@dataclass(frozen=True, slots=True)
class FoundObject:
    """One object as the storage lists it; `uri` is its full fsspec URL, unmangled."""

    uri: str
    size: int | None
    etag: str | None
    modified_at: datetime | None


def list_collection(sources: Iterable[str], *, lake_url: str) -> list[FoundObject]:
    """All objects of all `sources`, each once, sorted by uri.

    Raises:
        UsageError: a source names nothing, or its storage cannot be reached.
    """
    inside = _prefix_of(lake_url)
    found: dict[str, FoundObject] = {}
    for source in sources:
        for listed in _list_source(source):
            if not listed.uri.startswith(inside):
                found[listed.uri] = listed
    return [found[uri] for uri in sorted(found)]


def check_source(source: str) -> None:
    """Tell at once, without listing, that a source is not there.

    Raises:
        UsageError: its storage cannot be opened, or it is no glob and does not exist.
    """
    fs, path = _open_source(source)
    try:
        if not _is_glob(path) and not fs.exists(path):
            raise _nothing_at(source)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot reach {source}: {error}") from error


def _nothing_at(source: str) -> UsageError:
    return UsageError(f"Nothing found at {source}. Give a file, a folder, a glob or an fsspec URL.")


def _is_glob(path: str) -> bool:
    return any(mark in path for mark in "*?[")


def _prefix_of(lake_url: str) -> str:
    fs, root = open_url(lake_url)
    return fs.unstrip_protocol(root).rstrip("/") + "/"


def _list_source(source: str) -> list[FoundObject]:
    fs, path = _open_source(source)
    try:
        infos = _infos(fs, path)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot list {source}: {error}") from error
    if not infos:
        raise _nothing_at(source)
    return [_found(fs, info) for info in infos if info["type"] != "directory"]


def _open_source(source: str) -> tuple[fsspec.AbstractFileSystem, str]:
    if is_local_path(source) or "::" in source:
        return open_url(source)
    try:
        return open_object(source)  # keeps what url_to_fs would read as a chain or an option
    except (ImportError, ValueError, OSError) as error:
        raise UsageError(f"Cannot open {source}: {error}") from error


def _infos(fs: fsspec.AbstractFileSystem, path: str) -> list[dict[str, Any]]:
    """One dictionary an entry. A name that exists is taken literally even when it holds glob characters."""
    if fs.exists(path):
        info = fs.info(path)
        if info["type"] != "directory":
            return [info]
        inside = fs.find(path, detail=True)
        return list(inside.values()) or [info]
    if _is_glob(path):
        matched = fs.glob(path, detail=True)
        folders = [info for info in matched.values() if info["type"] == "directory"]
        files = {info["name"]: info for info in matched.values() if info["type"] != "directory"}
        for folder in folders if path.endswith("**") else []:
            files.update(fs.find(folder["name"], detail=True))
        return list(files.values())
    return []


def _found(fs: fsspec.AbstractFileSystem, info: dict[str, Any]) -> FoundObject:
    return FoundObject(
        uri=fs.unstrip_protocol(info["name"]),
        size=info.get("size"),
        etag=next((str(info[key]).strip('"') for key in _ETAG_KEYS if info.get(key)), None),
        modified_at=next((_moment(info[key]) for key in _MODIFIED_KEYS if info.get(key)), None),
    )


def _moment(value: datetime | float | str) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str):
        try:
            return _moment(datetime.fromisoformat(value))
        except ValueError:
            return None
    return datetime.fromtimestamp(value, UTC)
