"""Small documents made on the spot: as many pages as a test wants, each with its own words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF


def write_pdf(path: Path, pages: int, words: str = "", password: str | None = None) -> Path:
    """A PDF whose every page says which one it is."""
    pdf = FPDF(format=(200, 200), unit="pt")
    pdf.set_creation_date(datetime(2026, 1, 1, tzinfo=UTC))
    pdf.set_font("helvetica", size=12)
    if password:
        pdf.set_encryption(owner_password="owner", user_password=password)
    for number in range(1, pages + 1):
        pdf.add_page()
        pdf.cell(text=f"{path.stem} page {number} {words}")
    path.parent.mkdir(parents=True, exist_ok=True)
    pdf.output(str(path))
    return path
