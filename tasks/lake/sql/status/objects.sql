-- What the collection holds now.
SELECT count(*) AS objects, coalesce(sum(size), 0)::BIGINT AS bytes, count(DISTINCT doc_id) AS documents
FROM objects;
