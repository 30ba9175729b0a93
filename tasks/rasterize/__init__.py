"""Documents into pages: what a file is, a picture of every page, and the text that a PDF carries itself.

`rasterize` and `inspect` are the parent's side and all that other stages need. `child` runs in the worker processes and
calls `content`, `pdf_pages` and `image_pages`; only those touch PDFium and Pillow. The two sides speak in `messages`.
"""
