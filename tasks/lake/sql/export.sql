-- Write the answer of a query, made a view of that name before, to a file.
COPY (SELECT @{columns} FROM pagelake_answer) TO @{file} (@{options});
