"""The CPU engine's reading of a page: layout model, text layer or OCR, and rules. `PageReader` is the way in."""
