"""Write the reconciliation down."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator

from shop.books import Books
from shop.progress import number

WIDTH = 80


def report(books: Books, *, seconds: float, processed: int, retried: int) -> str:
    """Return the reconciliation as text; ``seconds`` from the first order to the last delivery."""
    speed = number(round(processed / seconds))
    pace = f"{number(processed)} messages in {seconds:.1f} s, {speed} messages per second, {retried} retries"
    verdict = "Everything adds up." if books.balanced else "THIS DOES NOT ADD UP."
    return "\n".join([*_table(books), "", pace, verdict])


def _table(books: Books) -> Iterator[str]:
    yield _line("rows in the file", number(books.rows))
    yield _line("refused when read", number(books.refused.total()))
    yield from _reasons(books.refused)
    yield _line("orders in", number(books.taken))
    yield _line("shipped", number(books.shipped))
    yield _line("dead-lettered", number(books.dead.total()))
    yield from _reasons(books.dead)
    yield _line("audited", number(books.audited))
    yield _line("lost", number(books.lost))
    yield _line("duplicated", number(books.duplicated))
    yield _line("order per customer kept", "no" if books.out_of_order else "yes")


def _line(what: str, value: str) -> str:
    return f"{what:<25}{value:>6}"


def _reasons(reasons: Counter[str]) -> list[str]:
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    text = ", ".join(f"{reason} {times}" for reason, times in ranked)
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")
