"""Wait until there is something to read."""

from __future__ import annotations

import selectors


def wait_readable(timeout: float, *descriptors: int) -> bool:
    """Wait at most ``timeout`` seconds; tell whether one of the file descriptors can be read.

    Unlike `select.select` for descriptors of 1024 and more, too.
    """
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(timeout))
