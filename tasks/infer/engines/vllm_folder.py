"""The folder that holds what a server of ours prints: made, kept when a message names it, cleared away at last.

Whoever owns it removes it. A pagelake that was killed cannot, so the next one does.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tasks.orphans import is_of_the_gone, mark_folder

_PREFIX = "pagelake-vllm-"
_NAMED_FILE = "named"
_NAMED_KEPT_S = 86400.0
"""How long a folder stays that somebody was told of, when its owner is gone."""


def make_folder() -> Path:
    """A new one, marked as this process's."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    mark_folder(folder)
    return folder


def note_named(folder: Path) -> None:
    """A message names something in `folder`, so it has to stay a while."""
    with suppress(OSError):  # a full disk is no reason to lose the message
        (folder / _NAMED_FILE).touch()


def clear_orphaned() -> int:
    """Remove folders whose owners are gone, but for those that were named of late; answers how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_ours_to_read(folder) and is_of_the_gone(folder) and not _was_named_of_late(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _is_ours_to_read(folder: Path) -> bool:
    """Temporary folders are shared: what another user made says nothing, and a link leads anywhere."""
    try:
        return not folder.is_symlink() and folder.is_dir() and folder.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _was_named_of_late(folder: Path) -> bool:
    try:
        return time.time() - (folder / _NAMED_FILE).stat().st_mtime < _NAMED_KEPT_S
    except FileNotFoundError:
        return False
    except OSError:
        return True
