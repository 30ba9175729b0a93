-- Single failures, for people to look at.
SELECT uri, page_number, stage, model, error_kind, error
FROM failures
ORDER BY uri, page_number
LIMIT @{most};
