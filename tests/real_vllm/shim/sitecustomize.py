"""Lets the usual torchvision, built for CUDA, be imported beside a torch for CPUs. This folder goes on PYTHONPATH.

torchvision's compiled part needs CUDA's libraries and is left out when they are not there, which torchvision tolerates,
but for one thing: it describes two operators that the compiled part would have defined. They are declared just before
it is first imported. Nobody calls them; what vLLM uses of torchvision is written in Python.
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

OPERATORS = ("nms", "qnms")


class BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Finds nothing itself: it only notices that torchvision is about to be imported."""

    library: object = None
    """Holds on to the declarations: they end with the object."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            import torch  # ty: ignore[import-not-found]

            library = torch.library.Library("torchvision", "FRAGMENT")
            for operator in OPERATORS:
                library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            BeforeTorchvision.library = library


sys.meta_path.insert(0, BeforeTorchvision())
