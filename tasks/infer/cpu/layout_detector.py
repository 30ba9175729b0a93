"""Where things are on a page image: the layout model, run with ONNX Runtime on one core.

The model is PaddleOCR's PicoDet trained on CDLA (ten classes, `models/README.md`). It sees the page squeezed into 800
x 608 pixels and answers, for each cell of four grids, a score per class and for each side of a box a distribution over
the distance to that side. What lives here: preparing the image, decoding that answer, non-maximum suppression. What the
classes mean for an element is in `categories`; which of two overlapping boxes is right is decided in `blocks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnxruntime

MODEL_PATH = Path(__file__).parent / "models" / "layout_cdla.onnx"
INPUT_HEIGHT, INPUT_WIDTH = 800, 608
STRIDES = (8, 16, 32, 64)
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
MIN_SCORE = 0.4
"""Below it the model mostly sees things twice or that are not there; `blocks` groups what it misses from the text."""
NMS_IOU = 0.5
MAX_CANDIDATES = 200
"""Boxes per class that enter suppression; a page has fewer than a hundred, and the cost grows with the square."""


@dataclass(frozen=True, slots=True)
class DetectedBox:
    """One box of the detector, in fractions of the image (0 to 1), with the model's own class name."""

    label: str
    score: float
    x0: float
    y0: float
    x1: float
    y1: float


class LayoutDetector:
    """The loaded model. One per process: ONNX Runtime keeps its buffers per session."""

    def __init__(self, model_path: Path = MODEL_PATH) -> None:
        self._session = _load(model_path)
        # The classes in the order of the scores, as the model file itself names them.
        self.labels = tuple(self._session.get_modelmeta().custom_metadata_map["character"].splitlines())

    def detect(self, image: np.ndarray, min_score: float = MIN_SCORE) -> list[DetectedBox]:
        """Boxes on a page image (height x width x 3, RGB, 8 bit), best score first within each class."""
        answer = self._session.run(None, {self._session.get_inputs()[0].name: prepare(image)})
        heads = [np.asarray(output)[0] for output in answer]
        return decode(heads[: len(STRIDES)], heads[len(STRIDES) :], self.labels, min_score)


def _load(model_path: Path) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Several of these processes share the machine, so each gets one thread, and the arena, which never gives memory
    # back, is off: it costs 30 MB and saves under 1 % of the time.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])


def prepare(image: np.ndarray) -> np.ndarray:
    """The image as the model was trained on it: squeezed to one size, normalised, channels first and in BGR order."""
    import cv2

    resized = cv2.resize(image, (INPUT_WIDTH, INPUT_HEIGHT), interpolation=cv2.INTER_LINEAR)[:, :, ::-1]
    normalised = (resized.astype(np.float32) / 255.0 - MEAN) / STD
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[None])


def decode(
    scores: list[np.ndarray], distributions: list[np.ndarray], labels: tuple[str, ...], min_score: float
) -> list[DetectedBox]:
    """Boxes from the raw heads: `scores` (cells x classes) and `distributions` (cells x 4·bins), one per stride."""
    kept_scores, kept_boxes = [], []
    for stride, score, distribution in zip(STRIDES, scores, distributions, strict=True):
        cells = np.flatnonzero(score.max(axis=1) > min_score)
        if cells.size:
            kept_scores.append(score[cells])
            kept_boxes.append(_cell_boxes(cells, distribution[cells], stride))
    if not kept_scores:
        return []
    all_scores, all_boxes = np.concatenate(kept_scores), np.concatenate(kept_boxes)
    found = []
    for index, label in enumerate(labels):
        confident = all_scores[:, index] > min_score
        class_boxes, class_scores = all_boxes[confident], all_scores[confident, index]
        for i in suppress(class_boxes, class_scores):
            found.append(DetectedBox(label, float(class_scores[i]), *(float(v) for v in class_boxes[i])))
    return found


def _cell_boxes(cells: np.ndarray, distribution: np.ndarray, stride: int) -> np.ndarray:
    """Boxes in fractions: the centre of each cell moved by the expected distance to each of the four sides."""
    columns = -(-INPUT_WIDTH // stride)
    centre_x, centre_y = (cells % columns + 0.5) * stride, (cells // columns + 0.5) * stride
    logits = distribution.reshape(len(cells), 4, -1)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    expected = (weights * np.arange(logits.shape[2])).sum(axis=2) / weights.sum(axis=2) * stride
    boxes = np.stack((centre_x, centre_y, centre_x, centre_y), axis=1) + expected * np.array([-1, -1, 1, 1])
    return np.clip(boxes / np.array([INPUT_WIDTH, INPUT_HEIGHT] * 2), 0.0, 1.0)


def suppress(boxes: np.ndarray, scores: np.ndarray) -> list[int]:
    """Indices of the boxes that no better box of the same class overlaps by more than `NMS_IOU`, best first."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
    kept: list[int] = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        wide = np.minimum(boxes[best, 2], boxes[left, 2]) - np.maximum(boxes[best, 0], boxes[left, 0])
        high = np.minimum(boxes[best, 3], boxes[left, 3]) - np.maximum(boxes[best, 1], boxes[left, 1])
        shared = np.clip(wide, 0, None) * np.clip(high, 0, None)
        left = left[shared <= NMS_IOU * (area[best] + area[left] - shared)]
    return kept
