-- The tables as they lie in the lake: one view per folder of Parquet files.
--
-- Filled in by tasks/lake/catalog.py: X_files is a quoted path pattern, X_columns are the columns of tasks/lake/schemas.py.
-- Columns are named one by one, not with *: a view must keep its shape when a newer pagelake adds a column, and a lake below
-- a folder such as `team=x` must not grow a column `team`. `union_by_name` gives older files null for columns they lack.
-- Partition keys are VARCHAR: left alone, DuckDB would read config=12345678 as a number.

CREATE OR REPLACE VIEW sources AS
SELECT @{sources_columns}
FROM read_parquet(@{sources_files}, union_by_name = true, hive_partitioning = false);

COMMENT ON VIEW sources IS 'History of the collection: a row for each time that an object was seen added, changed or removed';

-- No window here, nothing that would make DuckDB read the images of pages that a query does not ask for.
CREATE OR REPLACE VIEW pages AS
SELECT @{pages_columns},
    render
FROM read_parquet(
    @{pages_files}, union_by_name = true, hive_partitioning = true, hive_types = {'render': VARCHAR}
);

COMMENT ON VIEW pages IS 'One row per page and render: picture, size, text layer. Select image only where needed';
COMMENT ON COLUMN pages.render IS 'how the pages were made into pictures: resolution and format';

-- A document may have been tried again, with a password for example, and then has several rows: one is enough. A page counts
-- as failed when a render of it did; of the pages, three small columns are read for that.
CREATE OR REPLACE VIEW documents AS
SELECT @{documents_columns},
    coalesce(failed.pages_failed, 0) AS pages_failed
FROM read_parquet(@{documents_files}, union_by_name = true, hive_partitioning = false)
LEFT JOIN (
    SELECT doc_id AS failed_doc_id, count(DISTINCT page_number) AS pages_failed
    FROM pages
    WHERE status = 'failed'
    GROUP BY doc_id
) AS failed ON failed_doc_id = doc_id
QUALIFY row_number() OVER (PARTITION BY doc_id ORDER BY status = 'ok' DESC, error_kind DESC) = 1;

COMMENT ON VIEW documents IS 'One row per distinct content; the successful attempt where there were several';
COMMENT ON COLUMN documents.pages_failed IS 'pages that could not be rendered; failures says why';

CREATE OR REPLACE VIEW responses AS
SELECT @{responses_columns}
FROM read_parquet(
    @{responses_files}, union_by_name = true, hive_partitioning = true, hive_types = {'model': VARCHAR, 'config': VARCHAR}
);

COMMENT ON VIEW responses IS 'One row per page, model and config: what the model said, or why it said nothing';

CREATE OR REPLACE VIEW elements AS
SELECT @{elements_columns}
FROM read_parquet(
    @{elements_files}, union_by_name = true, hive_partitioning = true, hive_types = {'model': VARCHAR, 'config': VARCHAR}
);

COMMENT ON VIEW elements IS 'One row per box of a page, in reading order by element_index. Boxes are in points, origin top left';

CREATE OR REPLACE VIEW runs AS
SELECT @{runs_columns}
FROM read_parquet(@{runs_files}, union_by_name = true, hive_partitioning = false);

COMMENT ON VIEW runs IS 'One row per run, stage and shard: how long it took, how busy the engine was';
