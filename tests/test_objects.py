"""What a URL names is opened again by its uri alone; what cannot be opened is told in one line that can be stored."""

import os
import tarfile
import zipfile
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.utils import infer_storage_options

from tasks.errors import DocumentError, UsageError
from tasks.objects import holds_password, is_local_path, local_copy, open_nameable, open_object, open_url


class HostedFileSystem(MemoryFileSystem):
    """Like ftp: the host is not part of a path, and nothing opens without it."""

    protocol = "hosted"

    def __init__(self, host, **options):
        super().__init__(**options)
        self.host = host

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + infer_storage_options(path)["path"].strip("/")

    @staticmethod
    def _get_kwargs_from_urls(path):
        return {k: v for k, v in infer_storage_options(path).items() if k in ("host", "password")}


class BreakingFileSystem(MemoryFileSystem):
    """Its library has errors of its own."""

    protocol = "breaking"

    def _open(self, path, mode="rb", **options):  # ty: ignore[incompatible-method-override]  # fsspec's own differ too
        raise KeyError("two\nlines \udce9")


@pytest.fixture(autouse=True)
def storages():
    for made in (HostedFileSystem, BreakingFileSystem, AccountFileSystem):
        fsspec.register_implementation(made.protocol, made, clobber=True)


def test_a_url_with_a_host_is_opened_again_with_it():
    fsspec.filesystem("memory").pipe({"/hosted/a.pdf": b"1", "/hosted/b?c.pdf": b"2"})
    opened = open_nameable("hosted://server/hosted")
    assert opened.uri("/hosted/a.pdf") == "hosted://server/hosted/a.pdf"
    for path, content in (("/hosted/a.pdf", b"1"), ("/hosted/b?c.pdf", b"2")):
        fs, again = open_object(opened.uri(path))
        assert (getattr(fs, "host", None), again) == ("server", path)
        with local_copy(opened.uri(path)) as copy:
            assert copy.path.read_bytes() == content


class AccountFileSystem(HostedFileSystem):
    """Like abfs with an account: the option stands in the middle of the path."""

    protocol = "account"

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + path.removeprefix("account://").replace("@server", "").strip("/")

    @staticmethod
    def _get_kwargs_from_urls(path):
        return {"host": "server"} if "@server" in path else {}


def test_a_url_whose_objects_have_no_url_is_good_for_a_lake_and_refused_as_a_source():
    url = "account://a@server/b"
    assert open_url(url)[1] == "/a/b"
    with pytest.raises(UsageError, match=r"no URL|does not end"):
        open_nameable(url)


def test_the_root_of_a_host():
    assert (
        open_nameable("hosted://server").uri("/a") == open_nameable("hosted://server/").uri("/a") == "hosted://server/a"
    )


@pytest.mark.parametrize(
    "url", ["hosted:///x", "ftp://localhost:1/x", "nosuch://x", "zip://x", "zip://::/dev/null", "reference://x"]
)
def test_what_cannot_be_opened_is_a_usage_error_of_one_line(url):
    with pytest.raises(UsageError) as caught:
        open_url(url)
    assert "\n" not in str(caught.value)


def test_errors_of_a_library_become_rows_that_can_be_stored():
    fsspec.filesystem("memory").pipe("/x", b"")
    with pytest.raises(DocumentError) as caught, local_copy("breaking:///x"):
        pass
    assert caught.value.kind == "unreadable_source"
    str(caught.value).encode()
    assert "\n" not in str(caught.value)


def test_a_path_with_an_undecodable_byte_that_is_gone_is_told_in_utf8(tmp_path):
    with pytest.raises(DocumentError) as caught, local_copy("file://" + os.fsdecode(bytes(tmp_path / "x") + b"\xe9")):
        pass
    assert caught.value.kind == "vanished"
    str(caught.value).encode()


def test_a_damaged_archive_member_is_a_row(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as writer:
        writer.writestr("a.pdf", b"content content")
    (tmp_path / "x.zip").write_bytes((tmp_path / "x.zip").read_bytes().replace(b"content content", b"content kontent"))
    with pytest.raises(DocumentError, match="CRC") as caught, local_copy(f"zip://a.pdf::file://{tmp_path}/x.zip"):
        pass
    assert caught.value.kind == "unreadable_source"


def test_a_folder_and_a_pipe_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(DocumentError) as caught, local_copy(f"file://{path}"):
            pass
        assert caught.value.kind == "unreadable_source"


def test_tar(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with tarfile.open(tmp_path / "x.tar", "w") as writer:
        writer.add(tmp_path / "a.txt", "sub/a.txt")
    with local_copy(f"tar://sub/a.txt::file://{tmp_path}/x.tar") as copy:
        assert copy.path.read_text() == "a"


@pytest.mark.parametrize("path", ["a::b", "zip/x::y", "file::a", "~no-such-user", "plain"])
def test_local_paths(path):
    assert is_local_path(path)
    assert open_url(path)[1] == f"{Path.cwd()}/{path}"
    assert open_url(f"./{path}://x")[1] == f"{Path.cwd()}/{path}:/x"


@pytest.mark.parametrize("url", ["s3://b/a::b", "zip::x.zip", "simplecache::s3://b/x", "memory://x"])
def test_urls(url):
    assert not is_local_path(url)


def test_passwords_are_seen_wherever_they_are():
    assert holds_password("ftp://u:p@host/x")
    assert holds_password("zip://a::hosted://u:p@host/x.zip")
    assert not holds_password("ftp://host/x")
    assert not holds_password("/x/u:p@host")
