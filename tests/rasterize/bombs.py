"""Small files that ask for much more memory or time than they look: made here, byte by byte."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

from PIL import Image
from small_documents import raw_pdf


def png(path: Path, side: int) -> Path:
    """A square in RGBA, of which only the first rows are there."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(64 << 20), 9)
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def png_text(path: Path, size: int) -> Path:
    """One pixel, and a comment that unpacks to `size` bytes."""
    stream = io.BytesIO()
    Image.new("L", (1, 1)).save(stream, "PNG")
    data = b"Comment\0\0" + zlib.compress(bytes(size), 9)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    whole = stream.getvalue()
    path.write_bytes(whole[:33] + chunk + whole[33:])
    return path


def tiff(path: Path, side: int, frames: int = 1) -> Path:
    """Frames of `side` by `side` grey pixels that all share one strip of zeros."""
    strip = zlib.compress(bytes(1 << 20), 9)
    data, at = bytearray(b"II*\0" + struct.pack("<I", 8)), 8
    size = 2 + 9 * 12 + 4
    strip_at = 8 + frames * size
    for frame in range(frames):
        at += size
        tags = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, strip_at)]
        tags += [(277, 3, 1), (278, 4, side), (279, 4, len(strip))]
        data += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, v) for tag, kind, v in tags)
        data += struct.pack("<I", at if frame + 1 < frames else 0)
    path.write_bytes(bytes(data) + strip)
    return path


def webp(path: Path, side: int) -> Path:
    """An animation of one pixel on a canvas of `side` by `side`."""
    stream = io.BytesIO()
    Image.new("RGB", (1, 1)).save(stream, "WEBP", lossless=True)
    picture = stream.getvalue()[12:]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    def three(value: int) -> bytes:
        return value.to_bytes(3, "little")

    canvas = bytes([0x02, 0, 0, 0]) + three(side - 1) * 2
    frame = three(0) * 2 + three(0) * 2 + three(100) + b"\0" + picture
    body = b"WEBP" + chunk(b"VP8X", canvas) + chunk(b"ANIM", bytes(6)) + chunk(b"ANMF", frame)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def jpeg(path: Path, side: int, *, progressive: bool) -> Path:
    """A small picture whose header says that it is large."""
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(stream, "JPEG", progressive=progressive)
    data = bytearray(stream.getvalue())
    frame = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    path.write_bytes(bytes(data))
    return path


def picture_pdf(path: Path, picture: str, data: bytes) -> Path:
    """A page filled by one picture; `picture` is the rest of its dictionary."""
    objects = [
        b"1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj",
        b"2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj",
        b"3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R",
        b"/Resources<</XObject<</I 5 0 R>>>>>> endobj",
        b"4 0 obj <</Length 29>> stream\nq 200 0 0 100 0 0 cm /I Do Q \nendstream endobj",
        f"5 0 obj <</Type/XObject/Subtype/Image/Length {len(data)} {picture}>> stream\n".encode()
        + data
        + b"\nendstream endobj",
    ]
    path.write_bytes(b"%PDF-1.7\n" + b"\n".join(objects) + b"\ntrailer <</Root 1 0 R>>\n%%EOF\n")
    return path


def jbig2(path: Path, side: int) -> Path:
    """A page of `side` by `side`, and one generic region as large, of a few bytes."""
    page = struct.pack(">IIIIBH", side, side, 0, 0, 0, 0)
    region = (
        struct.pack(">IIIIB", side, side, 0, 0, 0) + b"\x00" + bytes([3, 255, 253, 255, 2, 254, 254, 254]) + bytes(64)
    )
    segments = b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data
        for number, (kind, data) in enumerate([(48, page), (38, region)])
    )
    return picture_pdf(
        path, f"/Width {side}/Height {side}/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode", segments
    )


def flate(path: Path, side: int, packed_twice: bool = False) -> Path:
    """A picture in colour that unpacks to three bytes a pixel, all zero."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(side * 3)) for _ in range(side)) + packer.flush()
    filters = "/FlateDecode"
    if packed_twice:
        data, filters = zlib.compress(data, 9), "[/FlateDecode/FlateDecode]"
    return picture_pdf(
        path, f"/Width {side}/Height {side}/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter{filters}", data
    )


def forms(path: Path, levels: int, each: int) -> Path:
    """Forms that draw the next one `each` times; the last draws itself."""
    kids = []
    for level in range(levels):
        following = 20 + min(level + 1, levels - 1)
        content = "/F Do " * each
        kids.append(
            f"{20 + level} 0 obj <</Type/XObject/Subtype/Form/BBox[0 0 200 100]/Length {len(content)}"
            f"/Resources<</XObject<</F {following} 0 R>>>>>> stream\n{content}\nendstream endobj"
        )
    raw_pdf(path, ["/F Do"], extra="/Resources<</XObject<</F 20 0 R>>>>")
    text = path.read_text()
    path.write_text(text.replace("\ntrailer", "\n" + "\n".join(kids) + "\ntrailer"))
    return path


def many_pages(path: Path, count: int) -> Path:
    """Real pages, all in one flat list and all alike."""
    kids = " ".join(f"{10 + n} 0 R" for n in range(count))
    pages = "\n".join(f"{10 + n} 0 obj <</Type/Page/Parent 2 0 R/Contents 3 0 R>> endobj" for n in range(count))
    path.write_text(
        "%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n"
        f"2 0 obj <</Type/Pages/Kids[{kids}]/Count {count}/MediaBox[0 0 100 100]>> endobj\n"
        "3 0 obj <</Length 18>> stream\n0 0 50 50 re f    \nendstream endobj\n"
        f"{pages}\ntrailer <</Root 1 0 R>>\n%%EOF\n"
    )
    return path
