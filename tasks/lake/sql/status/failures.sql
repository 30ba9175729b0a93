-- Failures by stage and kind, with one example of each.
SELECT stage, model, error_kind, count(*) AS failures, min(uri) AS example
FROM failures
GROUP BY ALL
ORDER BY failures DESC, stage, model, error_kind;
