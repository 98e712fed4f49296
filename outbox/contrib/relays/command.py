"""``outbox relay``: relay queues without a line of Python."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from outbox.cli.commands import OutboxCommand, examples, pass_settings
from outbox.cli.exits import Exit
from outbox.cli.listening import ADDRESS, Address
from outbox.cli.serving import Serving, serve, serving_options
from outbox.cli.settings import Settings
from outbox.cli.target import connected
from outbox.cli.words import WholeNumber, parse_duration
from outbox.contrib.relays.imports import import_library
from outbox.contrib.relays.opening import ENVELOPES, open_envelope, open_relay
from outbox.contrib.relays.relay import Relay
from outbox.errors import ConfigurationError
from outbox.events import Observer
from outbox.facade import OutboxBuilder
from outbox.facade.outbox import Outbox
from outbox.facade.status import read_status
from outbox.values.lease_config import LeaseConfig

# The table of a file that has the options, and the one of what the relay's class takes.
TABLE = "relay"
OPTIONS = "options"


def take_file(context: click.Context, _: click.Parameter, path: Path | None) -> dict[str, Any]:
    """Let a file say what is not typed; return the options of the relay's class."""
    if path is None:
        return {}
    names = [name for name in (found.name for found in context.command.params) if name]
    table = read_table(path, TABLE, names)
    options = table.pop(OPTIONS, {})
    # As if typed, so that each is read and checked as it would be there.
    context.default_map = {
        name: value if isinstance(value, list) else str(value) for name, value in table.items()
    }
    return dict(options)


@click.command(
    cls=OutboxCommand,
    epilog=examples(
        "outbox relay --to kafka://localhost:9092 --queue orders",
        "outbox relay --to amqp://localhost --queue orders --topic shop.orders --max-attempts 20",
        "outbox relay --to sqs://eu-west-1 --queue orders --topic shop-orders.fifo",
        "outbox relay --to https://example.com/hooks --queue orders --envelope cloudevents --source /shop",
        "outbox relay --file relay.toml",
    ),
)
@click.option(
    "--to",
    metavar="ADDRESS",
    help="kafka://, amqp://, redis://, nats://, sqs://, sns:// or https:// address.",
)
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="A queue to relay; may be repeated.")
@click.option(
    "--topic",
    metavar="NAME",
    help="Topic, routing key, stream, subject or ARN; the queue's name unless given.",
)
@click.option(
    "--envelope", type=click.Choice(sorted(ENVELOPES)), help="The shape of what is sent; raw unless given."
)
@click.option("--source", metavar="URI", help="The source of CloudEvents.")
@click.option("--type", metavar="NAME", help="The type of CloudEvents and Debezium events.")
@click.option(
    "--max-attempts", type=WholeNumber(1), metavar="N", help="Failed deliveries before the dead letters."
)
@click.option(
    "--lease", type=parse_duration, metavar="TIME", help="How long a partition is held; 30s unless given."
)
@click.option(
    "--metrics-listen",
    type=ADDRESS,
    metavar="HOST:PORT",
    help="Answer Prometheus there with what this process does; needs the extra prometheus.",
)
@click.option(
    "--file",
    OPTIONS,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PATH",
    is_eager=True,
    callback=take_file,
    help="A TOML file with a table [relay] of the same options; what is typed counts more.",
)
@serving_options
@pass_settings
def relay(
    settings: Settings,
    /,
    options: dict[str, Any],
    serving: Serving,
    metrics_listen: Address | None,
    **given: Any,
) -> Exit:
    """Relay queues to a broker until SIGTERM or SIGINT.

    Every message is sent in order and confirmed before it is done; one that the broker refuses for good goes
    to the dead letters. The queues must be registered already. A file names the options as they are here,
    with underscores, and the queues as a list, queues; it may also have a table [relay.options] of what the
    relay's class takes, such as secrets for webhooks or config for Kafka.

    Exit codes are those of `outbox run`.
    """
    given = {name: value for name, value in given.items() if value not in {None, ()}}
    if not given.get("to") or not given.get("queues"):
        raise click.UsageError("give --to and --queue, or a file that has them")
    made = make_relay(given, options)
    name = f"relay of {', '.join(given['queues'])}"
    try:
        with measured(metrics_listen) as observers:
            return serve(settings, lambda: declare(settings, given, made, observers), name, serving)
    finally:
        made.close()


@contextmanager
def measured(listen: Address | None) -> Iterator[list[Observer]]:
    """Yield what counts the deliveries of this process, whose metrics are answered meanwhile."""
    if listen is None:
        yield []
        return
    import_library("prometheus_client", "prometheus")
    from prometheus_client import CollectorRegistry

    from outbox.contrib.prometheus.observer import PrometheusObserver
    from outbox.contrib.prometheus.serving import answering

    registry = CollectorRegistry()
    with answering(registry, listen):
        yield [PrometheusObserver(registry=registry)]


def make_relay(given: dict[str, Any], options: dict[str, Any]) -> Relay:
    """Return the relay that the options of the command and of its class describe."""
    words = {name: given[name] for name in ("source", "type") if name in given}
    envelope = open_envelope(given.get("envelope", "raw"), **words)
    return open_relay(given["to"], topic=given.get("topic"), envelope=envelope, **options)


def declare(
    settings: Settings, given: dict[str, Any], made: Relay, observers: Iterable[Observer] = ()
) -> OutboxBuilder:
    """Return a builder whose queues are relayed; raises `click.UsageError` for a queue that is unknown."""
    naming = settings.naming
    builder = Outbox.builder(settings.required_url()).table_prefix(naming.prefix)
    if naming.schema:
        builder.schema(naming.schema)
    for observer in observers:
        builder.observe(observer)
    lease = LeaseConfig(given["lease"]) if "lease" in given else None
    for queue, count in partitions(settings, given["queues"]).items():
        builder.queue(queue, count).leased_batch(made, lease=lease, max_attempts=given.get("max_attempts"))
    return builder


def partitions(settings: Settings, queues: Iterable[str]) -> dict[str, int]:
    """Return how many partitions each queue has; raises `click.UsageError` for one that is unknown."""
    with connected(settings) as backend:
        counts: dict[str, int] = {}
        for partition in read_status(backend).partitions:
            counts[partition.queue] = counts.get(partition.queue, 0) + 1
    if unknown := [queue for queue in queues if queue not in counts]:
        raise click.UsageError(
            f"there is no queue {unknown[0]!r} in this database; the application registers it"
        )
    return {queue: counts[queue] for queue in queues}


if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_table(path: Path, table: str, known: Collection[str]) -> dict[str, Any]:
    """Return a table of the file; raises `ConfigurationError` for a bad file and an unknown name."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError("file", str(path), f"it is no TOML: {error}") from error
    found = content.get(table)
    if not isinstance(found, dict):
        raise ConfigurationError("file", str(path), f"it has no table [{table}]")
    if unknown := sorted(set(found) - set(known)):
        raise ConfigurationError(
            unknown[0], found[unknown[0]], f"there is no such option; use {', '.join(known)}"
        )
    return found
