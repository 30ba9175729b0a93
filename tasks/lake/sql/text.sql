-- Reading and searching: pages as Markdown, words to elements, names to documents.
-- Macro parameters are not called like columns, or DuckDB would put them in the columns' place.

-- A model may or may not have written its own heading marks, list marks and dollars; add only those that are missing.
CREATE OR REPLACE MACRO element_markdown(category, content, format) AS
CASE
    WHEN trim(content) = '' THEN NULL
    WHEN category = 'Title' AND NOT starts_with(content, '#') THEN '# ' || content
    WHEN category = 'Section-header' AND NOT starts_with(content, '#') THEN '## ' || content
    WHEN category = 'List-item' AND NOT regexp_matches(content, '^\s*([-*+•]|\(?\w{1,3}[.)])\s') THEN '- ' || content
    WHEN format = 'latex' AND NOT regexp_matches(content, '^\s*(\$|\\\[|\\\()')
        THEN '$$' || chr(10) || content || chr(10) || '$$'
    ELSE content
END;

COMMENT ON MACRO element_markdown IS 'One element as Markdown. HTML that a model wrote stays in it: sanitise before showing';

CREATE OR REPLACE VIEW markdown AS
SELECT
    doc_id,
    page_number,
    model,
    config,
    string_agg(element_markdown(category, text, text_format), chr(10) || chr(10) ORDER BY element_index) AS markdown
FROM elements
WHERE category NOT IN ('Page-header', 'Page-footer')
GROUP BY doc_id, page_number, model, config;

COMMENT ON VIEW markdown IS 'One row per page, model and config: the page as Markdown, without header and footer';
COMMENT ON COLUMN markdown.doc_id IS 'SHA-256 of the document''s bytes, hexadecimal';
COMMENT ON COLUMN markdown.page_number IS 'page of the document, from 1';
COMMENT ON COLUMN markdown.model IS 'name of the model profile';
COMMENT ON COLUMN markdown.config IS 'short hash of all that shapes an answer';
COMMENT ON COLUMN markdown.markdown IS 'HTML that a model wrote stays in it: sanitise before showing';

CREATE OR REPLACE MACRO page_markdown(document, page) AS TABLE
SELECT model, config, markdown
FROM markdown
WHERE doc_id = document AND page_number = page
ORDER BY model, config;

COMMENT ON MACRO TABLE page_markdown IS 'page_markdown(doc_id, page_number): one row per model and config';

CREATE OR REPLACE MACRO document_markdown(document) AS TABLE
SELECT model, config, string_agg(markdown, chr(10) || chr(10) ORDER BY page_number) AS markdown
FROM markdown
WHERE doc_id = document
GROUP BY model, config
ORDER BY model, config;

COMMENT ON MACRO TABLE document_markdown IS 'document_markdown(doc_id): one row per model and config';

-- Matches are counted per element instead of a subquery per element: DuckDB then holds the hits in memory, not every text.
CREATE OR REPLACE MACRO search(words) AS TABLE
WITH wanted AS (
    SELECT DISTINCT unnest(regexp_split_to_array(lower(trim(words)), '\s+')) AS word
),

hits AS (
    SELECT
        doc_id,
        page_number,
        model,
        config,
        element_index,
        any_value(category) AS category,
        any_value(text) AS text,
        min(strpos(lower(text), word)) AS place
    FROM elements
    INNER JOIN wanted ON word <> '' AND contains(lower(text), word)
    GROUP BY doc_id, page_number, model, config, element_index
    HAVING count(*) = (SELECT count(*) FROM wanted)
)

SELECT
    uri,
    page_number,
    category,
    trim(regexp_replace(substr(text, greatest(place - 60, 1), 200), '\s+', ' ', 'g')) AS snippet,
    model,
    config,
    element_index,
    doc_id
FROM hits
LEFT JOIN document_uris USING (doc_id)
ORDER BY uri, doc_id, page_number, model, config, element_index;

COMMENT ON MACRO TABLE search IS 'search(''some words''): elements that hold all the words, in any order and case';

CREATE OR REPLACE MACRO find_document(part) AS TABLE
SELECT uri, doc_id, media_type, page_count, title, status, coalesce(documents.error, objects.error) AS error
FROM objects
LEFT JOIN documents USING (doc_id)
WHERE contains(lower(uri), lower(part))
ORDER BY uri;

COMMENT ON MACRO TABLE find_document IS 'find_document(''report''): objects whose uri holds the text, and their document';
