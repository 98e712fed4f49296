"""The app of INSTALLED_APPS."""

from __future__ import annotations

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Connects checks and signals; touches no database."""

    name = "outbox.contrib.django"
    label = "outbox"
    verbose_name = "Outbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what listens to Django."""
        from outbox.contrib.django.signals import connect

        connect(self)
