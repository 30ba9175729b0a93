"""Whatever way a collection is named, its objects are listed whole, once, and under unmangled uris."""

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.discover.listing import list_collection
from tasks.errors import UsageError
from tasks.objects import local_copy


def uris(*sources, lake="memory://elsewhere"):
    return [found.uri for found in list_collection([str(s) for s in sources], lake_url=str(lake))]


@pytest.fixture
def folder(tmp_path):
    for name in ("b.pdf", "a.png", "deep/er/c.tiff", "no extension"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(name.encode())
    return tmp_path / "in"


def test_a_folder_is_listed_with_all_its_folders_sorted(folder):
    assert uris(folder) == [f"file://{folder}/{n}" for n in ("a.png", "b.pdf", "deep/er/c.tiff", "no extension")]


def test_a_file_is_itself(folder):
    assert uris(folder / "b.pdf") == [f"file://{folder}/b.pdf"]


def test_globs(folder):
    assert uris(folder / "*.pdf") == [f"file://{folder}/b.pdf"]
    assert uris(folder / "**/*.tiff") == [f"file://{folder}/deep/er/c.tiff"]
    assert len(uris(folder / "**")) == 4


def test_the_same_object_named_twice_is_listed_once(folder):
    assert len(uris(folder, folder / "a.png", folder / "*.png")) == 4


def test_a_lake_inside_the_collection_is_not_part_of_it(folder):
    (folder / "lake").mkdir()
    (folder / "lake" / "x.parquet").write_bytes(b"")
    (folder / "lake.pdf").write_bytes(b"")
    found = uris(folder, lake=folder / "lake")
    assert f"file://{folder}/lake.pdf" in found
    assert not [uri for uri in found if uri.endswith("parquet")]


def test_a_file_whose_name_looks_like_a_glob_is_taken_literally(folder):
    (folder / "report[1].pdf").write_bytes(b"x")
    assert uris(folder / "report[1].pdf") == [f"file://{folder}/report[1].pdf"]


def test_memory(folder):
    fsspec.filesystem("memory").pipe({"/listing/a.pdf": b"1", "/listing/b/c.pdf": b"2"})
    assert uris("memory://listing") == ["memory:///listing/a.pdf", "memory:///listing/b/c.pdf"]


@pytest.mark.parametrize("source", ["nothing/here", "*.nothing", "memory://nothing-there", "nosuch://x"])
def test_a_source_that_is_not_there_is_a_usage_error(source):
    with pytest.raises(UsageError):
        uris(source)


ODD = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(ODD.filter(lambda name: name not in {".", ".."} and len(name.encode()) < 200))
def test_any_name_survives_listing_and_opening(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("odd")
    (folder / name).write_bytes(name.encode())
    [found] = list_collection([str(folder)], lake_url="memory://elsewhere")
    assert found.uri == f"file://{folder}/{name}"
    with local_copy(found.uri) as copy:
        assert copy.path.read_bytes() == name.encode()
