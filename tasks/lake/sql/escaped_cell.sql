-- One column of an answer whose cells are not to begin like a formula.
CASE WHEN left(@{column}::VARCHAR, 1) IN (@{marks}) THEN concat(chr(39), @{column}::VARCHAR) ELSE @{column}::VARCHAR END AS @{header}
