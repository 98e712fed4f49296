"""Answer Prometheus on a port of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from outbox.cli.listening import Address


@contextmanager
def answering(registry: CollectorRegistry, listen: Address) -> Iterator[int]:
    """Answer with what the registry has during the block; yield the port."""
    server, thread = start_http_server(listen.port, listen.host, registry=registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
