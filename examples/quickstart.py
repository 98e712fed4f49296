"""Take 5 000 orders, ship them, audit them, and check that the numbers add up.

    python examples/quickstart.py                                   # a fresh SQLite file
    python examples/quickstart.py --url postgresql://localhost/shop # or mysql://…, sqlite:///…

What to read first: `start_outbox` below declares the two queues, `shop/checkout.py` writes orders and
messages in one transaction, `shop/handlers.py` receives them. Ends with status 1 if a number is wrong.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from shop.books import Books, read_books
from shop.checkout import AUDIT, SHIPPING, Checkout
from shop.database import ShopDatabase
from shop.handlers import Audit, Shipping
from shop.orders import OrderFile, read_orders
from shop.progress import Progress
from shop.report import report

import outbox
from outbox import Outbox, OutboxError, OutboxHandle, Partitions

ORDERS = Path(__file__).parent / "data" / "orders.csv"
# No message delivered for so long means that something is broken.
PATIENCE = 60.0


def start_outbox(database: ShopDatabase, shipping: Shipping, audit: Audit, processors: int) -> OutboxHandle:
    """Declare who receives what, and start the worker threads."""
    return (
        Outbox.builder(database.url)
        .table_prefix(database.prefix)
        .processors(processors)
        .queue(SHIPPING, Partitions.of(8)).leased(shipping, max_attempts=5)
        .queue(AUDIT, Partitions.of(4)).transactional(audit)
        .start()
    )  # fmt: skip


def main() -> int:
    options = parse_arguments()
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    # A dead letter is an error in the log; here they are expected, and counted in the end.
    logging.getLogger("outbox.workers.processor").setLevel(logging.CRITICAL)
    try:
        file = read_orders(options.file, options.orders)
        with temporary_url(options) as url, tables(url, keep=options.keep) as database:
            say(options, f"database {database.url.render_as_string()}, tables {database.prefix}_*")
            books = run(database, file, options)
    except (OutboxError, OSError, ImportError) as problem:
        print(f"quickstart: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nquickstart: interrupted; its tables are removed", file=sys.stderr)
        return 130
    return 0 if books.balanced else 1


def run(database: ShopDatabase, file: OrderFile, options: argparse.Namespace) -> Books:
    """Take the orders while the workers deliver, wait for the last message, and read the books."""
    progress = Progress(2 * len(file.orders), quiet=options.quiet)
    with ExitStack() as stack:
        shipping = stack.enter_context(closing(Shipping(database)))
        handle = stack.enter_context(start_outbox(database, shipping, Audit(database), options.processors))
        checkout = Checkout(database, handle.outbox, options.producers)
        stack.callback(checkout.stop)
        started = time.monotonic()
        producers = checkout.start(file.orders)
        delivered = 0
        for delivered in deliveries(handle):
            progress.show(checkout.taken, delivered)
            if all(producer.done() for producer in producers) and nothing_waits(handle.outbox):
                break
        seconds = time.monotonic() - started
        counters = handle.stats().counters
        progress.finish(checkout.taken, counters.get("processed", delivered))
        for producer in producers:
            producer.result()
    books = read_books(database, file, delivered_again=shipping.delivered_again)
    print(
        report(
            books,
            seconds=seconds,
            processed=counters.get("processed", 0),
            retried=counters.get("retried", 0),
        )
    )
    return books


def deliveries(handle: OutboxHandle) -> Iterator[int]:
    """Yield the number of delivered messages now and then, until it stands still for too long."""
    delivered, changed = -1, time.monotonic()
    while time.monotonic() < changed + PATIENCE:
        now = handle.stats().counters.get("processed", 0)
        if now != delivered:
            delivered, changed = now, time.monotonic()
        yield delivered
        time.sleep(0.1)


def nothing_waits(box: Outbox) -> bool:
    """Ask the tables, not the threads: that is what another process would see, too."""
    return not any(partition.incoming or partition.backlog for partition in box.status().partitions)


@contextmanager
def temporary_url(options: argparse.Namespace) -> Iterator[str]:
    """Yield the URL that was asked for, or one of a new SQLite file that goes away in the end."""
    if options.url:
        yield options.url
    elif options.keep:
        yield f"sqlite:///{Path(tempfile.mkdtemp(prefix='outbox-quickstart-')) / 'shop.db'}"
    else:
        with tempfile.TemporaryDirectory(prefix="outbox-quickstart-") as folder:
            yield f"sqlite:///{Path(folder) / 'shop.db'}"


@contextmanager
def tables(url: str, *, keep: bool) -> Iterator[ShopDatabase]:
    """Make the shop's tables and the outbox's under a new prefix; remove them unless told to keep."""
    prefix = f"quickstart_{secrets.token_hex(3)}"
    outbox.migrate(url, prefix=prefix)
    database = ShopDatabase(url, prefix)
    try:
        database.create()
        yield database
    finally:
        if not keep:
            database.drop()
            outbox.rollback(url, prefix=prefix)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", help="database to run in (default: a fresh SQLite file)")
    parser.add_argument("--file", type=Path, default=ORDERS, help="the export to read")
    parser.add_argument("--orders", type=positive, metavar="N", help="read only the first N rows")
    parser.add_argument(
        "--producers", type=positive, default=4, metavar="N", help="threads that take orders (4)"
    )
    parser.add_argument(
        "--processors", type=positive, default=4, metavar="N", help="threads that deliver (4)"
    )
    parser.add_argument("--quiet", action="store_true", help="print the reconciliation only")
    parser.add_argument("--keep", action="store_true", help="leave the tables, to look into them")
    return parser.parse_args()


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("give a whole number above zero")
    return value


def say(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        print(text)


if __name__ == "__main__":
    sys.exit(main())
