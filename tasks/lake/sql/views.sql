-- What follows from the tables: what the collection holds now, and what of it could not be read.

CREATE OR REPLACE VIEW objects AS
SELECT *
FROM sources
QUALIFY row_number() OVER (PARTITION BY uri ORDER BY seen_at DESC) = 1
    AND event <> 'removed';

COMMENT ON VIEW objects IS 'The latest row of each uri, those left out that were recorded as removed';

-- Tables know documents by content only; people know them by name.
CREATE OR REPLACE VIEW document_uris AS
SELECT
    sources.doc_id,
    coalesce(min(sources.uri) FILTER (WHERE objects.uri IS NOT NULL), min(sources.uri)) AS uri,
    bool_or(objects.uri IS NOT NULL) AS present
FROM sources
LEFT JOIN objects ON objects.uri = sources.uri AND objects.doc_id = sources.doc_id
WHERE sources.doc_id IS NOT NULL
GROUP BY sources.doc_id;

COMMENT ON VIEW document_uris IS 'One row per document: one of the places where it is, or was';
COMMENT ON COLUMN document_uris.doc_id IS 'SHA-256 of the document''s bytes, hexadecimal';
COMMENT ON COLUMN document_uris.uri IS 'the first of its uris by name; one that still holds it, if any does';
COMMENT ON COLUMN document_uris.present IS 'whether the collection still holds this content';

-- A document that left the collection cannot be run again, so it is no failure any more. A document that no row of sources
-- mentions stays: nothing may be lost. A page that was not rendered is the failure of its row in pages, not of each model's.
CREATE OR REPLACE VIEW failures AS
WITH all_failures AS (
    SELECT 'documents' AS stage, doc_id, NULL::INTEGER AS page_number, NULL::VARCHAR AS model, error_kind, error
    FROM documents
    WHERE error_kind IS NOT NULL

    UNION ALL

    -- DISTINCT: the page may have failed in several renders in the same way.
    SELECT DISTINCT 'rasterize', doc_id, page_number, NULL::VARCHAR, error_kind, error
    FROM pages
    WHERE status = 'failed'

    UNION ALL

    SELECT 'infer', doc_id, page_number, model, error_kind, error
    FROM responses
    WHERE error_kind IS NOT NULL AND error_kind <> 'page_not_rendered'
)
SELECT 'discover' AS stage, uri, doc_id, NULL::INTEGER AS page_number, NULL::VARCHAR AS model, error_kind, error
FROM objects
WHERE doc_id IS NULL AND error_kind IS NOT NULL

UNION ALL

SELECT stage, uri, doc_id, page_number, model, error_kind, error
FROM all_failures
LEFT JOIN document_uris USING (doc_id)
WHERE present IS NOT FALSE;

COMMENT ON VIEW failures IS 'All of the collection that could not be read, or not to its end, and why. See pagelake retry';
COMMENT ON COLUMN failures.stage IS 'discover: not fetched; documents: not opened; rasterize: page not rendered; infer: not read, or not to the end';
COMMENT ON COLUMN failures.uri IS 'one of the document''s uris';
COMMENT ON COLUMN failures.doc_id IS 'SHA-256 of the document''s bytes; null when they could not be fetched';
COMMENT ON COLUMN failures.page_number IS 'page of the document, from 1; null when the whole document failed';
COMMENT ON COLUMN failures.model IS 'name of the model profile; null before a model was asked';
COMMENT ON COLUMN failures.error_kind IS 'what went wrong, one word';
COMMENT ON COLUMN failures.error IS 'what went wrong and what to do, a sentence';
