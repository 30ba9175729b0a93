"""Stand-ins for `tasks.rasterize.child` in which chosen pages are deadly; the real handler does the rest."""

from __future__ import annotations

import os
import signal
import time

from tasks.lake.rows import Page
from tasks.rasterize.child import answer
from tasks.rasterize.messages import Opened


def die(request):
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def some_pages_are_deadly(request):
    """Page 3 crashes, page 5 hangs, page 12 eats memory."""
    for found in answer(request):
        number = getattr(found, "page_number", 0)
        if number == 3:
            os.kill(os.getpid(), signal.SIGSEGV)
        if number == 5:
            time.sleep(600)
        if number == 12:
            raise MemoryError
        yield found


def forms_are_deadly(request):
    """Opens nothing as long as form fields are to be drawn."""
    if request.draw_forms:
        die_now = signal.SIGSEGV
        os.kill(os.getpid(), die_now)
    yield from answer(request)


def drawing_forms_is_deadly(request):
    """Opens the document with its forms, and dies drawing its second page with them."""
    for found in answer(request):
        if isinstance(found, Opened):
            yield Opened(draws_forms=request.draw_forms)
            continue
        if request.draw_forms and isinstance(found, Page) and found.page_number == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        yield found
