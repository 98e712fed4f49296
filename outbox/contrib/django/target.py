"""A database of Django's as what an outbox is built on."""

from __future__ import annotations

from dataclasses import dataclass

from outbox.backends.protocol import Backend
from outbox.errors import ConfigurationError, MissingDriver
from outbox.statements import Naming

VENDORS = ("postgresql", "mysql", "sqlite")


@dataclass(frozen=True)
class DjangoDatabase:
    """An alias in DATABASES; `Outbox.builder` takes it as it takes a URL."""

    alias: str = "default"

    def open_backend(self, *, naming: Naming, listen_url: str | None = None) -> Backend:
        """Return a backend on this database's connections; connects to nothing yet."""
        from outbox.contrib.django.lending import Lending

        lending = Lending(self.alias)
        vendor = lending.wrapper.vendor
        if listen_url is not None and vendor != "postgresql":
            raise ConfigurationError(
                "listen_url", listen_url, "only PostgreSQL has notifications; leave it out"
            )
        if vendor == "sqlite":
            from outbox.contrib.django.sqlite import DjangoSqliteBackend

            return DjangoSqliteBackend(lending, naming)
        if vendor == "mysql":
            from outbox.contrib.django.mysql import DjangoMysqlBackend

            return DjangoMysqlBackend(lending, naming)
        if vendor == "postgresql":
            try:
                from outbox.contrib.django.postgresql import DjangoPostgresBackend
            except ImportError as error:
                raise MissingDriver.of("postgresql", error.name or str(error), "postgres") from error
            return DjangoPostgresBackend(lending, naming, listen_url)
        problem = f"there is no outbox for this database; there is for {', '.join(VENDORS)}"
        raise ConfigurationError(f"DATABASES[{self.alias!r}]", vendor, problem)
