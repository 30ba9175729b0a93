"""The lake through SQL, wherever it lies: empty, old, rebuilt while open, oddly named, or not on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import fsspec
import pyarrow as pa
import pytest
from small_lake import connect, element, fill, new_lake, write_rows

from tasks.errors import LakeError
from tasks.lake.catalog import lake_status, write_catalog, write_schema_files
from tasks.lake.schemas import TABLES
from tasks.lake.storage import LakeFolder


@pytest.fixture
def memory_url() -> Iterator[str]:
    yield "memory://catalog test/it's [one]"
    fs = fsspec.filesystem("memory")
    if fs.exists("/catalog test"):
        fs.rm("/catalog test", recursive=True)


@pytest.fixture
def lake(tmp_path: Path) -> LakeFolder:
    lake = new_lake(str(tmp_path / "lake"))
    fill(lake)
    return lake


def test_an_empty_lake_answers_everything(tmp_path):
    lake = new_lake(str(tmp_path / "lake"))
    with closing(connect(lake)) as con:
        for (view,) in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall():
            assert con.execute(f"FROM {view}").fetchall() == []
        assert con.execute("FROM page_markdown('aaa', 1)").fetchall() == []
        assert con.execute("FROM search('word')").fetchall() == []
        assert lake_status(con).objects == [{"objects": 0, "bytes": 0, "documents": 0}]


def test_no_lake_is_an_error_that_says_so(tmp_path):
    lake = LakeFolder.open(str(tmp_path))
    with pytest.raises(LakeError, match="there is no lake here"):
        connect(lake)
    with pytest.raises(LakeError, match="there is no lake here"):
        write_catalog(lake)


def test_a_broken_file_is_an_error_that_names_it(lake):
    Path(lake.path("runs/broken.parquet")).write_bytes(b"no Parquet")
    with pytest.raises(LakeError, match=r"broken\.parquet"):
        connect(lake)


@pytest.mark.parametrize(
    "name", ["it's a [lake]", "*", "what?", "[", "a]b", '"quoted" @{lake} $x', "team=blue", "{a,b}", "湖"]
)
def test_awkward_paths(tmp_path, name):
    lake = new_lake(str(tmp_path / name / "lake"))
    fill(lake)
    with closing(connect(lake)) as con:
        assert con.execute("SELECT count(*) FROM elements").fetchall() == [(12,)]
        assert con.sql("FROM elements").columns == TABLES["elements"].names
    write_catalog(lake)
    with closing(duckdb.connect(lake.path("lake.duckdb"), read_only=True)) as con:
        assert con.execute("SELECT count(*) FROM pages").fetchall() == [(6,)]


def test_a_pattern_in_the_path_reads_no_neighbour(tmp_path):
    for name in ("[ab]", "a", "b"):
        fill(new_lake(str(tmp_path / name)))
    with closing(connect(LakeFolder.open(str(tmp_path / "[ab]")))) as con:
        assert con.execute("SELECT count(*) FROM elements").fetchall() == [(12,)]


@pytest.mark.parametrize("name", ["model=x", "Config=1", "doc_id=3", "back\\slash"])
def test_paths_that_duckdb_would_misread_are_refused(tmp_path, name):
    lake = new_lake(str(tmp_path / name / "lake"))
    with pytest.raises(LakeError, match=r"Move the lake\.$"):
        connect(lake)


def test_a_lake_in_memory(memory_url):
    lake = new_lake(memory_url)
    fill(lake)
    with closing(connect(lake)) as con:
        assert con.execute("SELECT count(*) FROM failures").fetchall() == [(4,)]
        assert lake_status(con).left_to_do[0]["pages_left"] == 0
    write_catalog(lake)
    assert lake.exists("lake.duckdb")


def test_the_uploaded_catalog_opens_where_the_file_system_is_registered(memory_url, tmp_path):
    lake = new_lake(memory_url)
    fill(lake)
    write_catalog(lake)
    lake.fs.get_file(lake.path("lake.duckdb"), str(tmp_path / "lake.duckdb"))
    with closing(duckdb.connect(str(tmp_path / "lake.duckdb"), read_only=True)) as con:
        con.register_filesystem(lake.fs)
        assert con.execute("SELECT count(*) FROM elements").fetchall() == [(12,)]


def test_lake_duckdb_opens_read_only_from_any_directory(lake, tmp_path, monkeypatch):
    write_catalog(lake)
    assert sorted(p.name for p in Path(lake.root).iterdir()) == sorted([*TABLES, "_unfinished", "lake.duckdb"])
    monkeypatch.chdir("/")
    with closing(duckdb.connect(lake.path("lake.duckdb"), read_only=True)) as con:
        assert con.execute("SELECT uri FROM find_document('scan')").fetchall() == [("s3://b/scan.png",)]
        query = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'lake'"
        assert con.execute(query).fetchall()[0][0].startswith("v1.0.0")


def test_an_open_reader_survives_a_rebuild_and_sees_new_rows(lake):
    write_catalog(lake)
    with closing(duckdb.connect(lake.path("lake.duckdb"), read_only=True)) as reader:
        assert reader.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]
        write_catalog(lake)
        write_rows(lake, "runs/second-infer", [{"run_id": "r2", "stage": "infer"}])
        assert reader.execute("SELECT count(*) FROM runs").fetchall() == [(2,)]
        assert reader.execute("FROM page_markdown('aaa', 2)").fetchall()


def test_an_older_file_without_a_column_reads_as_null(lake):
    schema = TABLES["elements"]
    older = pa.schema([field for field in schema if field.name != "confidence"])
    row = element(0, "Text", "old", model="m", config="c") | {"confidence": None}
    lake.write_table("elements/model=m/config=c/0.parquet", pa.Table.from_pylist([row], schema=older))
    with closing(connect(lake)) as con:
        found = con.execute("SELECT text, confidence, typeof(confidence) FROM elements WHERE model = 'm'").fetchall()
    assert found == [("old", None, "FLOAT")]


def test_a_newer_file_with_one_more_column_does_not_disturb_an_older_catalog(lake):
    write_catalog(lake)
    newer = TABLES["runs"].append(pa.field("watts", pa.float64()))
    lake.write_table("runs/0-newer.parquet", pa.Table.from_pylist([{"run_id": "n", "watts": 1.0}], schema=newer))
    with closing(duckdb.connect(lake.path("lake.duckdb"), read_only=True)) as con:
        assert con.sql("FROM runs").columns == TABLES["runs"].names
        assert con.execute("SELECT count(*) FROM runs").fetchall() == [(2,)]


def test_schema_files_are_written_once_and_again_when_the_schema_changed(tmp_path):
    lake = new_lake(str(tmp_path))
    current = Path(lake.path("runs/_schema.parquet"))
    before = current.stat().st_mtime_ns
    lake.write_table("sources/_schema.parquet", pa.table({"uri": pa.array([], pa.string())}))
    write_schema_files(lake)
    assert current.stat().st_mtime_ns == before
    assert lake.read_table("sources/_schema.parquet").schema.names == TABLES["sources"].names


def test_schema_files_are_no_shards(tmp_path):
    lake = new_lake(str(tmp_path))
    assert lake.parquet_files("sources") == []


def test_a_query_cannot_load_extensions_or_see_python_variables(lake):
    secret = pa.table({"a": [1]})  # noqa: F841
    with closing(connect(lake)) as con:
        with pytest.raises(duckdb.CatalogException):
            con.execute("FROM secret")
        with pytest.raises(duckdb.CatalogException, match="read_xlsx"):
            con.execute("FROM read_xlsx('x.xlsx')")


def test_a_lake_of_an_older_pagelake_is_read_before_anything_writes_to_it(tmp_path):
    lake = new_lake(str(tmp_path / "lake"))
    fill(lake)
    older = TABLES["responses"].remove(TABLES["responses"].get_field_index("step"))
    for file in (tmp_path / "lake" / "responses").rglob("*.parquet"):
        name = str(file.relative_to(tmp_path / "lake"))
        lake.write_table(name, lake.read_table(name, older.names))
    with closing(connect(lake)) as catalog:
        assert {row[0] for row in catalog.sql("SELECT step FROM responses").fetchall()} == {None}
