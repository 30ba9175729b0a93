"""SIGKILL at random moments, many times: python tests/flows/kill_loop.py [--kills 200] [--seed 1]

Each kill strikes the run itself, a process that renders or one that reads, by the dice. Runs that were killed are
started again until one ends; its tables must be those of an undisturbed run, and the next lake is begun. A seed gives
the same victims and pauses, if not the same moments of the work.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from lake_contents import contents, differences
from plain_pdf import write_pdf

SMALL_SHARDS = Path(__file__).with_name("small_shards.py")
VICTIMS = {
    "the run": "small_shards.py",
    "a process that renders": "tasks.rasterize.child",
    "a process that reads": "tasks.infer.engines.cpu_worker",
}
RUN_TIMEOUT_S = 300


def make_collection(folder: Path) -> Path:
    """Twenty-nine pages in eight documents, one of them twice; one that is locked, and a file that is none."""
    for number in range(7):
        write_pdf(folder / f"{number}.pdf", pages=1 + 4 * number % 11)
    write_pdf(folder / "locked.pdf", pages=1, password="secret")
    (folder / "same again.pdf").write_bytes((folder / "5.pdf").read_bytes())
    (folder / "notes.txt").write_text("not a document")
    return folder


def start(collection: Path, lake: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, SMALL_SHARDS, "ingest", collection, "--lake", lake, "--dpi", "50"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def finish(collection: Path, lake: Path, environment: dict[str, str]) -> str:
    process = start(collection, lake, environment)
    out, err = process.communicate(timeout=RUN_TIMEOUT_S)
    assert process.returncode == 0, err
    return out


def wait_for_stages(process: subprocess.Popen[str], stages: int) -> str:
    """Return when so many stages of shards have been logged as done; answers what was logged until then."""
    assert process.stderr is not None
    log = ""
    while stages > 0 and (line := process.stderr.readline()):
        stages -= "Finished in state Completed()" in line
        log += line
    return log


def children_of(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


class KillLoop:
    """Kills until `kills` have struck, then lets the last run end; `struck` counts the victims."""

    def __init__(self, collection: Path, scratch: Path, environment: dict[str, str], seed: int) -> None:
        self.collection, self.scratch, self.environment = collection, scratch, environment
        self.chance, self.struck, self.runs_ended = random.Random(seed), Counter[str](), 0

    def go(self, kills: int) -> list[str]:
        """Differences from the undisturbed tables; none when all is well."""
        finish(self.collection, self.scratch / "undisturbed", self.environment)
        expected, lakes, found = contents(self.scratch / "undisturbed"), 0, list[str]()
        while self.struck.total() < kills and not found:
            lakes += 1
            lake = self.scratch / f"lake-{lakes}"
            while not self._ends(lake, kills):
                pass
            print(f"lake {lakes} after {self.struck.total()} kills", flush=True)
            found = [f"lake {lakes}: {line}" for line in differences(contents(lake), expected)]
            if list((lake / "_unfinished").iterdir()):
                found.append(f"lake {lakes}: leftovers of killed runs")
        return found

    def _ends(self, lake: Path, kills: int) -> bool:
        """One run, with a few kills in it; whether it lived to its end."""
        process = start(self.collection, lake, self.environment)
        log = ""
        if self.struck.total() < kills:
            log = wait_for_stages(process, self.chance.randint(0, 8))
            for _ in range(self.chance.randint(1, 3)):
                time.sleep(self.chance.uniform(0.0, 0.6))
                self._kill(process)
        try:
            _, err = process.communicate(timeout=RUN_TIMEOUT_S)
        finally:
            process.kill()
        assert process.returncode in (0, -9), f"exit status {process.returncode}:\n{log}{err}"
        self.runs_ended += process.returncode == 0
        return process.returncode == 0

    def _kill(self, process: subprocess.Popen[str]) -> None:
        victim = self.chance.choice(list(VICTIMS))
        run = [psutil.Process(process.pid)] if process.poll() is None else []
        candidates = run if victim == "the run" else children_of(process.pid)
        living = [one for one in candidates if VICTIMS[victim] in command_line(one)]
        if living:
            self.chance.choice(living).kill()
            self.struck[victim] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        collection = make_collection(Path(scratch, "collection"))
        loop = KillLoop(collection, Path(scratch), os.environ | {"NO_COLOR": "1"}, options.seed)
        started = time.monotonic()
        found = loop.go(options.kills)
        struck = ", ".join(f"{count} of {victim}" for victim, count in loop.struck.items())
        print(f"{loop.struck.total()} kills ({struck}), {loop.runs_ended} runs ended by themselves, ", end="")
        print(f"{time.monotonic() - started:.0f} s")
        sys.exit("\n".join(found) if found else 0)


if __name__ == "__main__":
    main()
