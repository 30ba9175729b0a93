-- Documents by status, and by what went wrong.
SELECT status, error_kind, count(*) AS documents, coalesce(sum(page_count), 0)::BIGINT AS pages
FROM documents
GROUP BY ALL
ORDER BY documents DESC, status, error_kind;
