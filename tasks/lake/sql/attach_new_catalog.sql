-- The oldest storage format that DuckDB still writes, so that older DuckDBs can open the lake too.
ATTACH @{file} AS new_catalog (STORAGE_VERSION 'v1.0.0');
USE new_catalog;
