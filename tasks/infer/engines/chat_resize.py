"""What runs in a worker process of the chat engine: a stored image in, the one that the model wants out, as base64."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from tasks.infer.engines.chat_body import Resize
from tasks.infer.engines.pixels import decoded, encoded, resized


def resize(request: Resize) -> Iterator[bytes]:
    """The image in the wanted size and format.

    Raises:
        ValueError: the stored bytes are no image.
    """
    yield b64encode(encoded(resized(decoded(request.image), *request.size), request.image_format))
