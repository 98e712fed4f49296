"""Make orders.csv: 5 000 orders of an invented shop, as an export of a real one would look.

Deterministic: the same seed gives the same bytes on every platform and Python version. The errors are
those that real exports have. Three kinds are refused when the file is read, because they leave no
order to speak of; the others are orders that the shop did take, and that cannot be shipped.

    python examples/data/make_orders.py [FILE]
"""

from __future__ import annotations

import csv
import io
import random
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Row = dict[str, str]

SEED = 20261121
ORDERS = 5_000
CUSTOMERS = 900
OPENED = datetime(2026, 9, 1, 6, 0, tzinfo=timezone.utc)
COLUMNS = (
    "order_id",
    "placed_at",
    "customer_id",
    "customer",
    "country",
    "currency",
    "items",
    "shipping",
    "total",
)

GOODS = {
    "MUG-WHITE": "11.90",
    "MUG-SPECKLED": "14.50",
    "TEAPOT-1L": "39.00",
    "BOWL-SMALL": "12.75",
    "BOWL-LARGE": "24.20",
    "PLATE-27": "18.40",
    "TRAY-OAK": "46.00",
    "LINEN-NAPKIN": "8.95",
    "APRON-INDIGO": "35.50",
    "KETTLE-COPPER": "119.00",
    "SPOON-SET": "22.00",
    "CANDLE-BEESWAX": "9.80",
}
GIVEN = """
Anna Björn Chloé Dragan Elif François Grażyna Hélène Ingrid Jürgen Katarzyna Lukáš Mária Niels
Olivia Pedro Renée Søren Tomás Zoë Aoife Bruno Emma Noah
"""
FAMILY = """
Andersen Bäcker Castro Dvořák Eriksson Fischer García Horváth Ivanova Jensen Kowalski Lefèvre Müller
Nowak O'Brien Pérez Rossi Schäfer Šimek Tanaka Vögel Weiß Yildiz Zimmer
"""
COUNTRIES = {
    "DE": "EUR",
    "FR": "EUR",
    "IE": "EUR",
    "ES": "EUR",
    "GB": "GBP",
    "SE": "SEK",
    "DK": "DKK",
    "PL": "PLN",
    "CZ": "CZK",
    "US": "USD",
}
RATES = {
    "EUR": "1",
    "GBP": "0.86",
    "SEK": "11.20",
    "DKK": "7.46",
    "PLN": "4.28",
    "CZK": "24.30",
    "USD": "1.08",
}


class Dice:
    """Choices made with `random.random` alone, the one method that never changes between versions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, limit: int) -> int:
        return int(self._random.random() * limit)

    def pick(self, values: Sequence[T]) -> T:
        return values[self.below(len(values))]


def money(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01")))


def make_customers(dice: Dice) -> list[Row]:
    given, family, countries = GIVEN.split(), FAMILY.split(), list(COUNTRIES)
    return [
        {
            "customer_id": f"C{10_000 + 7 * number}",
            "customer": f"{dice.pick(given)} {dice.pick(family)}",
            "country": dice.pick(countries),
        }
        for number in range(CUSTOMERS)
    ]


def make_order(number: int, placed_at: datetime, customer: Row, dice: Dice) -> Row:
    currency = COUNTRIES[customer["country"]]
    rate = Decimal(RATES[currency])
    items, total = [], Decimal(0)
    for _ in range(1 + dice.below(4)):
        sku = dice.pick(list(GOODS))
        quantity = 1 + dice.below(3)
        price = (Decimal(GOODS[sku]) * rate).quantize(Decimal("0.01"))
        items.append(f"{quantity} x {sku} @ {price}")
        total += quantity * price
    shipping = Decimal(0) if total > 60 * rate else (Decimal("5.90") * rate).quantize(Decimal("0.01"))
    return {
        "order_id": f"2026-{number:05d}",
        "placed_at": placed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **customer,
        "currency": currency,
        "items": "; ".join(items),
        "shipping": money(shipping),
        "total": money(total + shipping),
    }


def make_orders(dice: Dice) -> list[Row]:
    customers = make_customers(dice)
    regulars = customers[: CUSTOMERS // 5]
    placed_at, rows = OPENED, []
    for number in range(1, ORDERS + 1):
        placed_at += timedelta(seconds=20 + dice.below(2_600))
        # Half of all orders come from a fifth of the customers.
        customer = dice.pick(regulars if dice.below(2) else customers)
        rows.append(make_order(number, placed_at, customer, dice))
    return rows


def missing_price(row: Row) -> None:
    row["items"] = row["items"].rpartition(" @ ")[0] + " @ "


def negative_quantity(row: Row) -> None:
    row["items"] = "-" + row["items"]


def letter_in_a_number(row: Row) -> None:
    row["total"] = row["total"][:-1] + "O"


def decimal_comma(row: Row) -> None:
    row["total"] = row["total"].replace(".", ",")


def wrong_total(row: Row) -> None:
    row["total"] = money(Decimal(row["total"]) + Decimal("10.00"))


def no_such_day(row: Row) -> None:
    row["placed_at"] = "2026-09-31" + row["placed_at"][10:]


def unknown_currency(row: Row) -> None:
    row["currency"] = "XXX"


def mojibake(row: Row) -> None:
    # UTF-8 that was read as Latin-1 and saved again.
    name = "Zoë Lefèvre" if row["customer"].isascii() else row["customer"]
    row["customer"] = name.encode().decode("latin-1")


def no_items(row: Row) -> None:
    row["items"] = ""


def no_customer(row: Row) -> None:
    row["customer_id"] = ""


# What goes wrong, and how often.
UNSHIPPABLE: tuple[tuple[Callable[[Row], None], int], ...] = (
    (missing_price, 9),
    (negative_quantity, 6),
    (letter_in_a_number, 5),
    (decimal_comma, 8),
    (wrong_total, 4),
    (no_such_day, 5),
    (unknown_currency, 4),
    (mojibake, 7),
    (no_items, 3),
)
TRUNCATED, REPEATED, WITHOUT_CUSTOMER = 4, 5, 3


def write_orders() -> str:
    """Return the text of the file."""
    dice = Dice(SEED)
    rows = make_orders(dice)
    spoiled: set[int] = set()

    def sound_row() -> int:
        """Take a row that, like the one before it, nothing was done to yet; not one of the first few."""
        while True:
            number = 20 + dice.below(ORDERS - 20)
            if spoiled.isdisjoint((number - 1, number)):
                spoiled.add(number)
                return number

    for spoil, times in (*UNSHIPPABLE, (no_customer, WITHOUT_CUSTOMER)):
        for _ in range(times):
            spoil(rows[sound_row()])
    for _ in range(REPEATED):
        # The export put the last row of a page on the next page as well.
        copy = sound_row()
        spoiled.add(copy - 1)
        rows[copy] = dict(rows[copy - 1])
    records = [[row[column] for column in COLUMNS] for row in rows]
    for _ in range(TRUNCATED):
        number = sound_row()
        records[number] = records[number][: 3 + dice.below(4)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(records)
    return text.getvalue()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("orders.csv")
    target.write_text(write_orders(), encoding="utf-8", newline="\n")
    print(f"{target}: {ORDERS} orders")
