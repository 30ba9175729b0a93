"""List a collection: a file, a folder, a glob or any fsspec URL becomes a sorted list of objects.

Nothing is left out by its name: what pagelake cannot read is told by its content, later, in a row. A folder that cannot
be listed is an object itself, so that it ends as a row too. Only the lake's own files, where the lake lies inside the
collection, are not listed. Objects are not opened here.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import glob_translate

from tasks.errors import UsageError
from tasks.lake.schemas import TABLES
from tasks.lake.storage import UNFINISHED
from tasks.objects import OpenedUrl, holds_password, one_line, open_nameable, open_url, printable

_ETAG_KEYS = ("ETag", "etag", "md5Hash", "content_md5", "CRC")
_MODIFIED_KEYS = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
_LAKE_MARK = "documents/_schema.parquet"
_LAKE_FOLDERS = {*TABLES, "scores"}
_LAKE_FILES = {"lake.duckdb", "lake.duckdb.wal"}
_UNLISTED = "folder that cannot be listed"

_Info = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FoundObject:
    """One object as the storage lists it; `uri` is its full URL, as `tasks.objects` says.

    `is_folder`: it is a folder that could not be listed; what is in it is unknown, not gone.
    """

    uri: str
    size: int | None
    etag: str | None
    modified_at: datetime | None
    is_folder: bool = False


def list_collection(sources: Iterable[str], *, lake_url: str) -> list[FoundObject]:
    """All objects of all `sources`, each once, sorted by uri. An empty folder has none.

    Raises:
        UsageError: a source names nothing, or its storage cannot be reached.
    """
    is_lakes_own = _lakes_own(lake_url)
    found: dict[str, FoundObject] = {}
    for source in sources:
        opened = _open_source(source)
        try:
            for info in _objects(opened, source):
                if not is_lakes_own(opened, info["name"]):
                    listed = _found(opened, info)
                    found[listed.uri] = listed
        except UsageError:
            raise
        except Exception as error:  # every storage library has errors of its own
            raise UsageError(f"Cannot list {printable(source)}: {one_line(error)}") from error
    return [found[uri] for uri in sorted(found)]


def check_source(source: str) -> None:
    """Tell at once, without listing, that a source is not there.

    Raises:
        UsageError: its storage cannot be opened, or it does not exist; of globs, only local ones are looked into.
    """
    opened = _open_source(source)
    try:
        if _info(opened) is None and (not _is_glob(opened.path) or _matches_nothing_here(opened)):
            raise _nothing_at(source)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"Cannot reach {printable(source)}: {one_line(error)}") from error


def _nothing_at(source: str) -> UsageError:
    return UsageError(f"Nothing found at {printable(source)}. Give a file, a folder, a glob or an fsspec URL.")


def _open_source(source: str) -> OpenedUrl:
    if not source:
        raise _nothing_at("an empty name")
    if holds_password(source):
        raise UsageError(
            f"The URL of {source.partition('://')[0]}:// holds a password, which would be written into the lake."
            " Give it in fsspec's configuration files instead."
        )
    opened = open_nameable(source)
    opened.fs.invalidate_cache()
    return opened


def _is_glob(path: str) -> bool:
    return any(mark in path for mark in "*?[")


def _matches_nothing_here(opened: OpenedUrl) -> bool:
    if not isinstance(opened.fs, LocalFileSystem):
        return False
    walk = _Walk.matching(opened.fs, opened.path)
    return next(walk.objects(), None) is None and not walk.matched


def _info(opened: OpenedUrl) -> _Info | None:
    """What is there; None when nothing is. A name that exists is taken literally even when it looks like a glob."""
    try:
        return opened.fs.info(opened.path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception:
        if _is_glob(opened.path):
            return None
        raise


def _objects(opened: OpenedUrl, source: str) -> Iterator[_Info]:
    """What the storage tells about each object of a source."""
    info = _info(opened)
    if info is None:
        yield from _matched(opened, source)
    elif info["type"] == "directory":
        yield from _inside(opened.fs, opened.path)
    else:
        yield info


def _matched(opened: OpenedUrl, source: str) -> Iterator[_Info]:
    if not _is_glob(opened.path):
        raise _nothing_at(source)
    if _is_walked(opened.fs):
        walk = _Walk.matching(opened.fs, opened.path)
        yield from walk.objects()
        if not walk.matched:
            raise _nothing_at(source)
        return
    infos = opened.fs.glob(opened.path, detail=True).values()
    if not infos:
        raise _nothing_at(source)
    yield from (info for info in infos if not _is_folder(info))
    for folder in _topmost(info["name"].rstrip("/") for info in infos if info["type"] == "directory"):
        yield from _inside(opened.fs, folder)


def _topmost(folders: Iterable[str]) -> Iterator[str]:
    """Those that lie in no other one."""
    top = None
    for folder in sorted(folders, key=lambda path: path.split("/")):
        if top is None or not folder.startswith(f"{top}/"):
            top = folder
            yield folder


def _inside(fs: fsspec.AbstractFileSystem, folder: str) -> Iterable[_Info]:
    if _is_walked(fs):
        return _Walk(fs, folder).objects()
    infos = fs.find(folder, detail=True).values()
    return (info for info in infos if not _is_folder(info) and info["name"].rstrip("/") != folder.rstrip("/"))


def _is_walked(fs: fsspec.AbstractFileSystem) -> bool:
    """Whether we go from folder to folder ourselves. Object stores and archives know all their names without."""
    if isinstance(fs, AsyncFileSystem):
        return type(fs)._find is AsyncFileSystem._find and type(fs)._glob is AsyncFileSystem._glob
    return type(fs).find is fsspec.AbstractFileSystem.find and type(fs).glob is fsspec.AbstractFileSystem.glob


def _is_folder(info: _Info) -> bool:
    """Also true of the empty objects with which object stores mark a folder."""
    return info["type"] == "directory" or (info["name"].endswith("/") and not info.get("size"))


@dataclass(slots=True)
class _Glob:
    """A pattern as fsspec understands it. `root` is the folder above its first special character."""

    root: str
    whole: re.Pattern[str]
    levels: list[re.Pattern[str]]
    """What a folder at each depth under the root must match to hold anything; beyond a `**`, nothing is asked."""
    endless: bool

    @classmethod
    def of(cls, path: str) -> Self:
        parts = path.split("/")
        first = next(n for n, part in enumerate(parts) if _is_glob(part))
        endless = "**" in parts
        last = parts.index("**") if endless else len(parts) - 1
        levels = ["/".join(parts[: n + 1]) for n in range(first, last)]
        root = "/".join(parts[:first]) or ("/" if path.startswith("/") else "")
        return cls(root, re.compile(glob_translate(path)), [re.compile(glob_translate(p)) for p in levels], endless)

    def matches(self, path: str) -> bool:
        return self.whole.match(path) is not None

    def matches_folder(self, path: str) -> bool:
        return self.matches(path) or self.matches(f"{path}/")

    def may_hold_matches(self, folder: str) -> bool:
        depth = folder[len(self.root) :].strip("/").count("/")
        return self.levels[depth].match(folder) is not None if depth < len(self.levels) else self.endless


@dataclass(slots=True)
class _Walk:
    """From folder to folder of one file system, through links too, but into each real folder once.

    A folder that a glob matches is taken with all that is in it, as if the shell had written it out. Real folders come
    before links, so that an object's name does not change when somebody adds a link.
    """

    fs: fsspec.AbstractFileSystem
    root: str
    glob: _Glob | None = None
    matched: bool = False
    _been: set[str] = field(default_factory=set)
    _folders: list[tuple[str, bool]] = field(default_factory=list)
    _links: deque[tuple[str, bool]] = field(default_factory=deque)

    @classmethod
    def matching(cls, fs: fsspec.AbstractFileSystem, path: str) -> Self:
        glob = _Glob.of(path)
        return cls(fs, glob.root, glob)

    def objects(self) -> Iterator[_Info]:
        self._folders = [(self.root, self.glob is None)]
        while self._folders or self._links:
            folder, taken = self._folders.pop() if self._folders else self._links.popleft()
            if self._is_new(folder):
                yield from self._entries(folder, taken)

    def _is_new(self, folder: str) -> bool:
        real = os.path.realpath(folder) if isinstance(self.fs, LocalFileSystem) else folder
        new = real not in self._been
        self._been.add(real)
        return new

    def _entries(self, folder: str, taken: bool) -> Iterator[_Info]:
        try:
            infos = sorted(self.fs.ls(folder, detail=True), key=lambda info: info["name"])
        except FileNotFoundError:
            return  # removed meanwhile
        except Exception:
            if folder == self.root:
                raise
            self.matched = True
            yield {"name": folder, "type": _UNLISTED}
            return
        for listed in infos:
            if listed["name"].rstrip("/") != folder.rstrip("/"):  # some storages list a folder in itself
                yield from self._entry(self._followed(listed), taken, is_link=listed["type"] != "directory")

    def _entry(self, info: _Info, taken: bool, *, is_link: bool) -> Iterator[_Info]:
        name = info["name"].rstrip("/")
        if info["type"] != "directory":
            if taken or (self.glob and self.glob.matches(name)):
                self.matched = True
                yield info
            return
        inside = taken or (self.glob is not None and self.glob.matches_folder(name))
        self.matched |= inside
        if inside or (self.glob and self.glob.may_hold_matches(name)):
            (self._links if is_link else self._folders).append((name, inside))

    def _followed(self, info: _Info) -> _Info:
        """What a link leads to; the link itself when that is nothing, or a folder of which we cannot tell the loops."""
        if info["type"] in ("file", "directory") and not info.get("islink"):
            return info
        try:
            target = self.fs.info(info["name"])
        except Exception:
            return info
        return info if target["type"] == "directory" and not isinstance(self.fs, LocalFileSystem) else target


def _lakes_own(lake_url: str) -> Callable[[OpenedUrl, str], bool]:
    """A test whether a path of a source is one of the lake's own files. Other files beside them may be anybody's."""
    fs, root = open_url(lake_url)
    root = root.rstrip("/")
    try:
        if not fs.exists(f"{root}/{_LAKE_MARK}"):
            return lambda _source, _path: False
    except Exception as error:
        raise UsageError(f"Cannot reach {printable(lake_url)}: {one_line(error)}") from error
    is_local, real_folder = isinstance(fs, LocalFileSystem), cache(os.path.realpath)
    inside = (real_folder(root or "/") if is_local else root).rstrip("/") + "/"

    def is_own(source: OpenedUrl, path: str) -> bool:
        if type(source.fs) is not type(fs) or (source.before is not None and source.fs != fs):
            return False
        if is_local:
            folder, _, name = path.rpartition("/")
            path = f"{real_folder(folder or '/').rstrip('/')}/{name}"
        return path.startswith(inside) and _is_lake_file(path.removeprefix(inside))

    return is_own


def _is_lake_file(path: str) -> bool:
    first, mark, _ = path.partition("/")
    if not mark:
        return path in _LAKE_FILES
    return first == UNFINISHED or (first in _LAKE_FOLDERS and path.endswith(".parquet"))


def _found(opened: OpenedUrl, info: _Info) -> FoundObject:
    return FoundObject(
        uri=opened.uri(info["name"]),
        size=info.get("size"),
        etag=next((str(info[key]).strip('"') for key in _ETAG_KEYS if info.get(key)), None),
        modified_at=next((_moment(info[key]) for key in _MODIFIED_KEYS if info.get(key)), None),
        is_folder=info["type"] == _UNLISTED,
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
