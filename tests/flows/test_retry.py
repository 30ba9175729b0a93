"""Failures can be run again, and runs over a part of a collection leave nothing undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lake_contents import contents, differences
from places import Cli
from plain_pdf import write_pdf

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path) -> Path:
    for number in range(3):
        write_pdf(tmp_path / "in" / f"{number}.pdf", pages=2)
    return tmp_path / "in"


def run(pagelake: Cli, *arguments: object) -> str:
    ended = pagelake(*arguments)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def failures(pagelake: Cli, lake: Path) -> list[tuple[str, str]]:
    query = "SELECT stage, error_kind FROM failures ORDER BY ALL"
    answer = run(pagelake, "sql", query, "--lake", lake, "--format", "json")
    return [(row["stage"], row["error_kind"]) for row in json.loads(answer or "[]")]


def test_pages_that_took_too_long_are_read_by_a_retry_with_more_time(pagelake, folder, tmp_path):
    lake, expected = tmp_path / "lake", tmp_path / "expected"
    run(pagelake, "ingest", folder, "--lake", expected)
    run(pagelake, "ingest", folder, "--lake", lake, "--page-timeout", "0.1")
    assert failures(pagelake, lake)
    assert "No failures." in run(pagelake, "retry", "--lake", lake)
    with_pages = [name for name in contents(expected) if name.startswith(("pages", "elements"))]
    assert sorted(row["text"] for row in elements(lake)) == sorted(row["text"] for row in elements(expected))
    assert with_pages
    assert "Nothing to do" in run(pagelake, "retry", "--lake", lake)


def elements(lake: Path) -> list[dict[str, str]]:
    return [row for name, rows in contents(lake).items() if name.startswith("elements") for row in rows]


def test_a_retry_leaves_good_rows_as_they_are(pagelake, folder, tmp_path):
    lake = tmp_path / "lake"
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7")
    run(pagelake, "ingest", folder, "--lake", lake)
    before = contents(lake)
    run(pagelake, "retry", "--lake", lake, "--kind", "corrupt")
    after = contents(lake)
    assert not differences({name: after[name] for name in before}, before)
    assert failures(pagelake, lake) == [("documents", "corrupt")]


def test_a_second_render_of_a_part_does_not_spoil_the_rest(pagelake, folder, tmp_path):
    lake = tmp_path / "lake"
    run(pagelake, "ingest", folder, "--lake", lake)
    run(pagelake, "ingest", folder / "1.pdf", "--lake", lake, "--dpi", "72")
    run(pagelake, "ingest", folder, "--lake", lake, "--dpi", "72")
    assert failures(pagelake, lake) == []
    query = "SELECT render, count(*) AS pages FROM pages WHERE status = 'ok' GROUP BY ALL ORDER BY ALL"
    answer = json.loads(run(pagelake, "sql", query, "--lake", lake, "--format", "json"))
    assert [row["pages"] for row in answer] == [6, 6]


def test_a_password_that_comes_late_renders_what_was_locked(pagelake, folder, tmp_path):
    lake = tmp_path / "lake"
    write_pdf(folder / "locked.pdf", pages=2, password="secret")
    run(pagelake, "ingest", folder, "--lake", lake, "--password", "secret")
    assert "encrypted 2" in run(pagelake, "ingest", folder, "--lake", lake, "--dpi", "72")
    assert "No failures." in run(pagelake, "ingest", folder, "--lake", lake, "--dpi", "72", "--password", "secret")


def test_a_lake_may_lie_around_its_collection(pagelake, folder):
    assert "6 pages read" in run(pagelake, "ingest", folder, "--lake", folder.parent)
    assert "Nothing to do: everything" in run(pagelake, "ingest", folder, "--lake", folder.parent)


def test_pages_that_failed_may_be_rendered_with_fewer_dots_and_stay_in_their_render(pagelake, folder, tmp_path):
    lake = tmp_path / "lake"
    write_pdf(folder / "locked.pdf", pages=2, password="secret")
    run(pagelake, "ingest", folder, "--lake", lake, "--password", "secret", "--dpi", "100")
    assert "encrypted 2" in run(pagelake, "ingest", folder, "--lake", lake)
    options = ("--lake", lake, "--render", "200dpi-jpeg95", "--dpi", "72", "--password", "secret")
    assert "No failures." in run(pagelake, "retry", *options)
    query = (
        "SELECT uri LIKE '%locked.pdf' AS locked, dpi, image_width, status FROM pages "
        "JOIN document_uris USING (doc_id) WHERE render = '200dpi-jpeg95'"
    )
    found = pages(pagelake, lake, query)
    assert len(found) == 8
    for locked, dpi, width, status in found:
        assert (dpi, status) == (72 if locked else 200, "ok")
        assert abs(width - 200 * dpi / 72) <= 1  # the pages are 200 points wide


def pages(pagelake: Cli, lake: Path, query: str) -> list[list]:
    return [list(row.values()) for row in json.loads(run(pagelake, "sql", query, "--lake", lake, "--format", "json"))]


def test_a_lake_with_two_renders_is_asked_whose_failures(pagelake, folder, tmp_path):
    lake = tmp_path / "lake"
    run(pagelake, "ingest", folder / "0.pdf", "--lake", lake)
    run(pagelake, "ingest", folder / "0.pdf", "--lake", lake, "--dpi", "72")
    unsaid = pagelake("retry", "--lake", lake)
    assert unsaid.returncode == 2 and "200dpi-jpeg95 or 72dpi-jpeg95" in unsaid.stderr
    assert pagelake("retry", "--lake", lake, "--render", "9dpi-png").returncode == 2
    assert "Nothing to do" in run(pagelake, "retry", "--lake", lake, "--render", "72dpi-jpeg95")


def test_a_glob_without_a_match_is_a_wrong_command_and_makes_no_lake(pagelake, tmp_path):
    ended = pagelake("ingest", tmp_path / "nothing" / "*.pdf", "--lake", tmp_path / "lake")
    assert ended.returncode == 2
    assert not (tmp_path / "lake").exists()


def test_a_retry_of_something_unknown_is_a_wrong_command(pagelake, folder, tmp_path):
    run(pagelake, "ingest", folder, "--lake", tmp_path / "lake", "--limit", "1")
    ended = pagelake("retry", "--lake", tmp_path / "lake", "--kind", "nonsense")
    assert ended.returncode == 2
    assert "nonsense" in ended.stderr
    assert pagelake("retry", "--lake", tmp_path / "none").returncode == 1


def test_an_empty_folder_is_nothing_to_do(pagelake, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "0 objects found" in run(pagelake, "ingest", tmp_path / "empty", "--lake", tmp_path / "lake")
