import runpy
from pathlib import Path

DATA = Path(__file__).parents[2] / "examples" / "data"


def write_orders() -> str:
    return str(runpy.run_path(str(DATA / "make_orders.py"))["write_orders"]())


def test_the_orders_in_the_repository_are_what_the_script_makes() -> None:
    assert (DATA / "orders.csv").read_text(encoding="utf-8") == write_orders()


def test_the_script_makes_the_same_orders_every_time() -> None:
    assert write_orders() == write_orders()
