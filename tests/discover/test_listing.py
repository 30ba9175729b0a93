"""Whatever way a collection is named, its objects are listed whole, once, and under unmangled uris."""

import os
import zipfile

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.discover.listing import check_source, list_collection
from tasks.errors import DocumentError, UsageError
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


def make_lake(root, *files):
    for name in ("documents/_schema.parquet", *files):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


LAKE_FILES = ("pages/render=x/1.parquet", "scores/1.parquet", "_unfinished/host-1-2.parquet", "lake.duckdb")


def test_a_lake_inside_the_collection_is_not_part_of_it(folder):
    make_lake(folder / "lake", *LAKE_FILES)
    (folder / "lake.pdf").write_bytes(b"")
    found = uris(folder, lake=folder / "lake")
    assert f"file://{folder}/lake.pdf" in found
    assert len(found) == 5


def test_a_lake_that_is_the_collection_or_above_it_hides_only_its_own_files(folder):
    before = uris(folder)
    make_lake(folder, *LAKE_FILES)
    (folder / "pages" / "scan.pdf").write_bytes(b"")
    assert uris(folder, lake=folder) == sorted([*before, f"file://{folder}/pages/scan.pdf"])
    assert len(uris(folder, lake=folder.parent)) == len(before) + 2 + len(LAKE_FILES)


def test_a_folder_that_is_no_lake_yet_hides_nothing(folder):
    (folder / "pages").mkdir()
    (folder / "pages" / "table.parquet").write_bytes(b"")
    assert f"file://{folder}/pages/table.parquet" in uris(folder, lake=folder)


def test_a_lake_is_known_by_whatever_name_it_is_reached(folder, tmp_path):
    make_lake(folder / "lake", *LAKE_FILES)
    (tmp_path / "alias").symlink_to(folder)
    assert len(uris(tmp_path / "alias", lake=folder / "lake")) == 4
    assert len(uris(folder, lake=tmp_path / "alias" / "lake")) == 4
    assert len(uris(f"file://{folder}", lake=f"file://{tmp_path}/alias/lake")) == 4


def test_a_lake_in_other_storage():
    fs = fsspec.filesystem("memory")
    fs.pipe({"/own/a.pdf": b"1", "/own/documents/_schema.parquet": b"", "/own/documents/1.parquet": b""})
    assert uris("memory://own", lake="memory://own") == ["memory:///own/a.pdf"]


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
    with pytest.raises(UsageError):
        check_source(source)


def test_an_empty_folder_has_no_objects(tmp_path):
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    assert uris(tmp_path / "in") == uris(tmp_path / "i*") == []
    check_source(str(tmp_path / "in"))
    check_source(str(tmp_path / "i*"))


def test_a_folders_own_entry_in_an_object_store_is_no_object():
    fs = fsspec.filesystem("memory")
    fs.store["/marked/sub/"] = fs.store["/marked/"] = MemoryFile()
    try:
        fs.pipe({"/marked/sub/a.pdf": b"1"})
        assert uris("memory://marked") == ["memory:///marked/sub/a.pdf"]
    finally:
        del fs.store["/marked/sub/"], fs.store["/marked/"]


def test_a_glob_takes_matched_folders_whole_as_the_shell_does(folder):
    assert uris(folder / "d*") == uris(folder / "deep")
    assert uris(folder / "*") == uris(folder)
    assert uris(folder / "*" / "er" / "c*") == uris(folder / "deep")
    check_source(str(folder / "d*"))
    fsspec.filesystem("memory").pipe({"/globbed/x/y/a.pdf": b"1", "/globbed/x/b.pdf": b"2"})
    assert len(uris("memory://globbed/*")) == 2


def test_a_glob_looks_only_where_it_can_match(folder, monkeypatch):
    looked_into = []
    ls = LocalFileSystem.ls
    monkeypatch.setattr(LocalFileSystem, "ls", lambda fs, path, **k: looked_into.append(path) or ls(fs, path, **k))
    uris(folder / "*.pdf")
    assert looked_into == [str(folder)]


def test_linked_folders_are_followed_each_real_folder_once(folder, tmp_path):
    (tmp_path / "outside" / "sub").mkdir(parents=True)
    (tmp_path / "outside" / "sub" / "o.pdf").write_bytes(b"")
    (folder / "a link").symlink_to(tmp_path / "outside")
    (folder / "loop").symlink_to(folder)
    (tmp_path / "outside" / "back").symlink_to(folder / "deep")
    (folder / "0").symlink_to(folder / "deep")
    (folder / "file link").symlink_to(folder / "b.pdf")
    (folder / "broken").symlink_to(folder / "nowhere")
    names = ("a link/sub/o.pdf", "a.png", "b.pdf", "broken", "deep/er/c.tiff", "file link", "no extension")
    assert uris(folder) == uris(folder / "*") == [f"file://{folder}/{n}" for n in names]
    assert uris(folder / "**" / "*.pdf") == [f"file://{folder}/{n}" for n in ("a link/sub/o.pdf", "b.pdf")]


def assert_told(folder, found):
    assert [f.uri for f in found if f.is_folder] == [f"file://{folder}/deep"]
    assert len(found) == 4
    with pytest.raises(DocumentError, match="cannot be listed") as caught, local_copy(f"file://{folder}/deep"):
        pass
    assert caught.value.kind == "unreadable_source"


def test_a_folder_that_cannot_be_listed_is_told(folder, monkeypatch):
    def refuse(fs, path, **options):
        if path == f"{folder}/deep":
            raise PermissionError(13, "Permission denied", path)
        return ls(fs, path, **options)

    ls = LocalFileSystem.ls
    monkeypatch.setattr(LocalFileSystem, "ls", refuse)
    for source in (folder, folder / "*", folder / "**"):
        assert_told(folder, list_collection([str(source)], lake_url="memory://elsewhere"))
    with pytest.raises(UsageError, match="Permission denied"):
        uris(folder / "deep")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_is_told(folder):
    (folder / "deep").chmod(0)
    try:
        assert_told(folder, list_collection([str(folder)], lake_url="memory://elsewhere"))
    finally:
        (folder / "deep").chmod(0o755)


@pytest.fixture
def archive(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as writer:
        for name in ("a.pdf", "sub/b.pdf", "sub/c::d.pdf", "sub/100%#?.pdf"):
            writer.writestr(name, name)
    return tmp_path / "x.zip"


def contents(*sources):
    def content(uri):
        with local_copy(uri) as copy:
            return copy.path.read_text()

    return {uri: content(uri) for uri in uris(*sources)}


def test_an_archive_is_read_whole(archive, monkeypatch):
    tail = f"::file://{archive}"
    sub = {
        f"zip://sub/b.pdf{tail}": "sub/b.pdf",
        f"zip+bytes://sub/c%3A%3Ad.pdf{tail}": "sub/c::d.pdf",
        f"zip://sub/100%#?.pdf{tail}": "sub/100%#?.pdf",
    }
    assert contents(f"zip://sub::{archive}") == sub
    assert contents(f"zip://::{archive}") == contents(f"zip::{archive}") == {f"zip://a.pdf{tail}": "a.pdf"} | sub
    assert contents(f"zip://a.pdf::{archive}") == contents(f"zip://*.pdf::{archive}") == {f"zip://a.pdf{tail}": "a.pdf"}
    monkeypatch.chdir(archive.parent)
    assert contents("zip://a.pdf::x.zip") == {f"zip://a.pdf{tail}": "a.pdf"}
    check_source("zip://a.pdf::x.zip")


def test_a_storage_behind_a_cache_is_read(folder, archive):
    assert contents(f"simplecache::file://{folder}/deep") == {
        f"simplecache::file://{folder}/deep/er/c.tiff": "deep/er/c.tiff"
    }
    fsspec.filesystem("memory").pipe("/kept/x.zip", archive.read_bytes())
    uri = "zip://a.pdf::simplecache::memory://kept/x.zip"
    assert contents(uri) == {uri: "a.pdf"}


@pytest.mark.parametrize(
    "source", ["zip://a.pdf::/no/such.zip", "zip://a.pdf", "zip://none.pdf::{archive}", "zip://::{text}"]
)
def test_a_chain_that_cannot_be_opened_is_a_usage_error(source, archive, folder):
    with pytest.raises(UsageError) as caught:
        uris(source.format(archive=archive, text=folder / "b.pdf"))
    assert "\n" not in str(caught.value)


def test_a_password_in_a_source_is_refused_and_not_repeated():
    with pytest.raises(UsageError) as caught:
        check_source("ftp://user:secret@localhost/x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["a::b.pdf", "zip::x", "c%2Fd.pdf", "x:", "file+bytes:", "~no-such-user"])
def test_a_name_that_looks_like_a_url_is_taken_literally(folder, monkeypatch, name):
    (folder / name).write_bytes(b"x")
    assert uris(folder / name) == [f"file://{folder}/{name}"]
    assert f"file://{folder}/{name}" in uris(folder)
    monkeypatch.chdir(folder)
    assert uris(f"./{name}") == [f"file://{folder}/{name}"]


def test_a_name_that_is_not_utf8_survives_listing_and_opening(folder):
    name = os.fsdecode(b"caf\xe9 100%.pdf")
    (folder / name).write_bytes(b"x")
    for source in (folder / name, folder / "caf*"):
        assert uris(source) == [f"file+bytes://{folder}/caf%E9%20100%25.pdf"]
    [uri] = uris(folder / name)
    with local_copy(uri) as copy:
        assert copy.path == folder / name
    (folder / name).unlink()
    with pytest.raises(DocumentError) as caught, local_copy(uri):
        pass
    str(caught.value).encode()
    with pytest.raises(UsageError) as missing:
        uris(folder / name)
    str(missing.value).encode()


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
