-- Pages by render and status.
SELECT render, status, count(*) AS pages
FROM pages
GROUP BY ALL
ORDER BY render, pages DESC, status;
