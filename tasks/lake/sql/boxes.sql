-- Boxes are stored in points of the page as displayed; these give them in pixels of a picture and in fractions of the page.

CREATE OR REPLACE MACRO to_pixels(points, page_side, image_side) AS points * image_side / page_side;

COMMENT ON MACRO to_pixels IS 'Points to pixels along one side: to_pixels(x0, pages.width, pages.image_width). Not rounded';

CREATE OR REPLACE MACRO to_fraction(points, page_side) AS points / page_side;

COMMENT ON MACRO to_fraction IS 'Points to a fraction of the page along one side: to_fraction(y0, pages.height)';

-- One row per element and render, since each render has its own pixels.
CREATE OR REPLACE VIEW elements_located AS
SELECT
    uri,
    elements.*,
    render,
    width AS page_width,
    height AS page_height,
    to_pixels(x0, width, image_width) AS x0_pixels,
    to_pixels(y0, height, image_height) AS y0_pixels,
    to_pixels(x1, width, image_width) AS x1_pixels,
    to_pixels(y1, height, image_height) AS y1_pixels,
    to_fraction(x0, width) AS x0_fraction,
    to_fraction(y0, height) AS y0_fraction,
    to_fraction(x1, width) AS x1_fraction,
    to_fraction(y1, height) AS y1_fraction
FROM elements
INNER JOIN pages USING (doc_id, page_number)
LEFT JOIN document_uris USING (doc_id);

COMMENT ON VIEW elements_located IS 'Elements with their box also in pixels and in fractions of the page; a row per render';
COMMENT ON COLUMN elements_located.uri IS 'one of the document''s uris';
COMMENT ON COLUMN elements_located.render IS 'the render whose pixels are meant';
COMMENT ON COLUMN elements_located.page_width IS 'points (1/72 inch), as displayed';
COMMENT ON COLUMN elements_located.page_height IS 'points (1/72 inch), as displayed';
COMMENT ON COLUMN elements_located.x0_pixels IS 'left edge, pixels of the stored picture, not rounded';
COMMENT ON COLUMN elements_located.y0_pixels IS 'upper edge, pixels of the stored picture, not rounded';
COMMENT ON COLUMN elements_located.x1_pixels IS 'right edge, pixels of the stored picture, not rounded';
COMMENT ON COLUMN elements_located.y1_pixels IS 'lower edge, pixels of the stored picture, not rounded';
COMMENT ON COLUMN elements_located.x0_fraction IS 'left edge, 0 to 1 of the page''s width';
COMMENT ON COLUMN elements_located.y0_fraction IS 'upper edge, 0 to 1 of the page''s height';
COMMENT ON COLUMN elements_located.x1_fraction IS 'right edge, 0 to 1 of the page''s width';
COMMENT ON COLUMN elements_located.y1_fraction IS 'lower edge, 0 to 1 of the page''s height';
