-- For each model and config that was ever used: pages that were rasterized and have no answer yet.
-- The same page in two renders counts once; a failed page counts too, since it gets an answer that says so.
WITH rasterized AS (
    SELECT DISTINCT doc_id, page_number FROM pages
),

answered AS (
    SELECT DISTINCT model, config, doc_id, page_number FROM responses
),

configs AS (
    SELECT DISTINCT model, config FROM answered
)

SELECT model, config, count(*) AS pages, count(*) FILTER (WHERE answered.doc_id IS NULL) AS pages_left
FROM configs
CROSS JOIN rasterized
LEFT JOIN answered USING (model, config, doc_id, page_number)
GROUP BY ALL
ORDER BY model, config;
