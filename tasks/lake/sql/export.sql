-- Write the answer of a query, made a view of that name before, to a file.
COPY pagelake_answer TO @{file} (@{options});
