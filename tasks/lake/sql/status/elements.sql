-- Elements by model and category.
SELECT model, config, category, count(*) AS elements
FROM elements
GROUP BY ALL
ORDER BY model, config, elements DESC, category;
