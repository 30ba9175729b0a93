"""What runs in a worker process of the engine of cut-outs: a page's image in, its cut-outs out, each as base64.

The page is decoded once, whatever the number of boxes. Cut-outs leave one by one, so no more than one is held here.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import numpy as np

from tasks.infer.engines.cut_request import CutRequest, PixelBox
from tasks.infer.engines.pixels import decoded, encoded, resized


def cut(request: CutRequest) -> Iterator[bytes]:
    """The cut-outs, in the order in which they were asked for.

    Raises:
        ValueError: the stored bytes are no image.
    """
    pixels = decoded(request.image)
    for wanted in request.cuts:
        yield b64encode(encoded(resized(_inside(pixels, wanted.box), *wanted.size), request.image_format))


def _inside(pixels: np.ndarray, box: PixelBox) -> np.ndarray:
    """The part of the picture in the box, one pixel at least, wherever the box lies."""
    height, width = pixels.shape[:2]
    x0, y0 = min(max(box.x0, 0), width - 1), min(max(box.y0, 0), height - 1)
    return pixels[y0 : max(box.y1, y0 + 1), x0 : max(box.x1, x0 + 1)]
