"""A folder of Parquet files behind any fsspec URL: listing, reading, and writing so that nobody sees half a file.

What is written becomes visible in one step: locally by a rename inside the lake, elsewhere by one upload of a finished
file. Which files there are and what they mean is said in `tables`, not here.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import fsspec
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from tasks.errors import LakeError
from tasks.objects import open_url

UNFINISHED = "_unfinished"
"""Folder of a local lake where files are written before they are renamed to their place."""


@dataclass(frozen=True, slots=True)
class LakeFolder:
    """A lake's root: `url` as the user wrote it, `fs` and `root` as fsspec understands it."""

    url: str
    fs: fsspec.AbstractFileSystem
    root: str

    @classmethod
    def open(cls, url: str) -> LakeFolder:
        """Connect to the folder at `url`; nothing is created.

        Raises:
            UsageError: no file system of that protocol is installed, or it refuses its options.
        """
        fs, root = open_url(url)
        return cls(url, fs, root.rstrip("/") or "/")

    @property
    def is_local(self) -> bool:
        return isinstance(self.fs, LocalFileSystem)

    def path(self, name: str) -> str:
        """Full path, as `fs` takes it, of a file named relative to the root."""
        return f"{self.root.rstrip('/')}/{name}"

    def exists(self, name: str) -> bool:
        """Whether there is such a file.

        Raises:
            LakeError: the storage does not say.
        """
        with self._reading(name):
            try:
                self.fs.info(self.path(name))
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    def parquet_files(self, folder: str) -> list[str]:
        """Names (without folder and suffix) of the Parquet files right in `folder`, sorted; those with `_` left out."""
        self.fs.invalidate_cache(self.path(folder))
        with self._reading(folder):
            try:
                found = self.fs.ls(self.path(folder), detail=False)
            except FileNotFoundError:
                return []
        names = (str(path).rpartition("/")[2] for path in found)
        return sorted(n.removesuffix(".parquet") for n in names if n.endswith(".parquet") and not n.startswith("_"))

    def subfolders(self, folder: str) -> list[str]:
        """Names of the folders right in `folder`, sorted."""
        self.fs.invalidate_cache(self.path(folder))
        with self._reading(folder):
            try:
                found = self.fs.ls(self.path(folder), detail=True)
            except FileNotFoundError:
                return []
        return sorted(str(one["name"]).rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory")

    @contextmanager
    def new_file(self, name: str) -> Generator[Path]:
        """A local path to write to; when the block ends well, the file is the lake's `name`, whole, in one step.

        Raises:
            LakeError: the lake cannot be written: full, read-only, or not permitted.
        """
        local = self._unfinished_path(name)
        try:
            local.parent.mkdir(parents=True, exist_ok=True)
            yield local
            self._publish(local, name)
        except OSError as error:
            raise LakeError(self.url, f"cannot write {name}: {error.strerror or error}") from error
        finally:
            with suppress(OSError):
                local.unlink(missing_ok=True)

    @property
    def _unfinished_folder(self) -> Path:
        if self.is_local:
            return Path(self.path(UNFINISHED))
        return Path(tempfile.gettempdir()) / f"pagelake-{os.getuid()}"

    def _unfinished_path(self, name: str) -> Path:
        return (
            self._unfinished_folder
            / f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}-{name.rpartition('/')[2]}"
        )

    def _publish(self, local: Path, name: str) -> None:
        if not self.is_local:
            self.fs.put_file(str(local), self.path(name))
            return
        with local.open("rb") as written:
            os.fsync(written.fileno())  # after a power cut a renamed but empty file would count as done
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        local.replace(target)

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write a whole table as the file `name`."""
        with self.new_file(name) as local, parquet_writer(local, table.schema) as writer:
            writer.write_table(table)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            LakeError: the lake cannot be written.
        """
        try:
            self.fs.rm_file(self.path(name))
        except FileNotFoundError:
            return
        except OSError as error:
            raise LakeError(self.url, f"cannot remove {name}: {error.strerror or error}") from error

    def read_table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read one file; columns that it does not have are left out."""
        with self._reading(name), self.fs.open(self.path(name), "rb") as file:
            parquet = pq.ParquetFile(file)
            known = set(parquet.schema_arrow.names)
            return parquet.read(columns=[c for c in columns if c in known] if columns else None)

    def row_batches(self, name: str, rows: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Stream one file, at most `rows` rows at a time."""
        with self._reading(name):
            file = self.fs.open(self.path(name), "rb")
        with file:
            with self._reading(name):
                batches = pq.ParquetFile(file, pre_buffer=False).iter_batches(batch_size=rows, columns=columns)
            while True:
                with self._reading(name):  # not around the yield: the reader's own errors are not the lake's
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch

    @contextmanager
    def _reading(self, name: str) -> Generator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise LakeError(self.url, f"cannot read {name}: {error}") from error

    def sweep_unfinished(self) -> None:
        """Remove what killed processes of this machine left half-written."""
        folder, mine = self._unfinished_folder, f"{socket.gethostname()}-"
        with self._reading(UNFINISHED):
            files = list(folder.iterdir()) if folder.is_dir() else []
        for file in files:
            pid = file.name.removeprefix(mine).partition("-")[0]
            if file.name.startswith(mine) and pid.isdigit() and not psutil.pid_exists(int(pid)):
                with suppress(OSError):
                    file.unlink()


@contextmanager
def parquet_writer(path: Path, schema: pa.Schema) -> Generator[pq.ParquetWriter]:
    """A Parquet writer with the lake's settings: zstd, and neither dictionary nor statistics for pictures."""
    small = [f.name for f in schema if f.type != pa.binary()]
    with pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=small, write_statistics=small, store_schema=True
    ) as writer:
        yield writer
