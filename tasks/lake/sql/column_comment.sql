-- Once per column of tasks/lake/schemas.py, where the comments live.
COMMENT ON COLUMN @{view}.@{column} IS @{comment};
