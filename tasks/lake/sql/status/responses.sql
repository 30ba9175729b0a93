-- Answers by model and status.
SELECT model, config, status, count(*) AS pages
FROM responses
GROUP BY ALL
ORDER BY model, config, pages DESC, status;
