"""The CPU engine's reading of a page: layout model, text layer or OCR, and rules. `read_page` is the way in."""
