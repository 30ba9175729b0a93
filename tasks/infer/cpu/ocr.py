"""Lines of text from pixels, with RapidOCR (PP-OCRv6 small: Chinese, English and the languages of Latin script).

The models are in rapidocr's wheel, and their paths are given to it, so that it never looks for a download. It is loaded
when the first page needs it: most collections have a text layer, and the models cost 200 MB.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.infer.cpu.lines import Line

if TYPE_CHECKING:
    from rapidocr import RapidOCR

DETECTION_MODEL = "PP-OCRv6_det_small.onnx"
ORIENTATION_MODEL = "ch_ppocr_mobile_v2.0_cls_mobile.onnx"
RECOGNITION_MODEL = "PP-OCRv6_rec_small.onnx"
INK_TO_FONT_SIZE = 0.75
"""The detector's boxes are about as high as a line of text is, a third more than its font size."""
M_MMAP_THRESHOLD = -3
LARGE_BLOCK_BYTES = 4 << 20
MIN_SIDE_PX = 8
"""Smaller images hold no letter and make the detector divide by zero."""
DETECTION_SIDE_PX = 960
"""Longer side of what the text detector sees. On A4 at 10 points it finds the same lines as at 2000, in a fifth of the
time and half of the memory. Recognition works on crops of the whole image; in batches it is slower on one core."""


class OcrReader:
    """The loaded OCR models. One per process, one thread."""

    @cached_property
    def _engine(self) -> RapidOCR:
        import rapidocr

        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        _give_back_large_blocks()
        models = Path(rapidocr.__file__).parent / "models"
        return rapidocr.RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": False,
                "Det.limit_type": "max",
                "Det.limit_side_len": DETECTION_SIDE_PX,
                "Rec.rec_batch_num": 1,
                "Det.model_path": str(models / DETECTION_MODEL),
                "Cls.model_path": str(models / ORIENTATION_MODEL),
                "Rec.model_path": str(models / RECOGNITION_MODEL),
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read_lines(self, image: np.ndarray, width_pt: float, height_pt: float) -> list[Line]:
        """Lines of an upright page image (RGB), boxes in points."""
        if min(image.shape[:2]) < MIN_SIDE_PX:
            return []
        found = self._engine(np.ascontiguousarray(image[:, :, ::-1]))
        quads, texts, scores = (getattr(found, name, None) for name in ("boxes", "txts", "scores"))
        if quads is None or texts is None or scores is None:
            return []
        scale_x, scale_y = width_pt / image.shape[1], height_pt / image.shape[0]
        lines = []
        for quad, text, score in zip(quads, texts, scores, strict=True):
            words = text.split()
            if not words:
                continue
            (x0, y0), (x1, y1) = quad.min(axis=0), quad.max(axis=0)
            box = (float(x0 * scale_x), float(y0 * scale_y), float(x1 * scale_x), float(y1 * scale_y))
            font_size = max((box[3] - box[1]) * INK_TO_FONT_SIZE, 1.0)
            lines.append(Line(" ".join(words), *box, font_size, bold=False, score=float(score), measured=True))
        return lines


def _give_back_large_blocks() -> None:
    """Asks glibc to map large blocks one by one, and so to give them back when freed.

    By default it raises its threshold with the first large block that is freed, and the tensors of a page, of another
    size for every line of text, then pile up: 500 MB against 390 MB at the peak, for under a tenth more time.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
