"""The outbox as a Django app: put ``"outbox.contrib.django"`` into INSTALLED_APPS and run ``migrate``.

::

    from django.db import transaction
    from outbox.contrib.django import enqueue

    with transaction.atomic():
        order = Order.objects.create(customer="Anna")
        enqueue("orders", {"id": order.pk}, key="Anna")

Everything runs on Django's own connections, so that its settings hold: the writers' and the workers', the
migrations and the transactions of handlers. Importing this imports neither models nor settings.
"""

from outbox.contrib.django.boxes import box, boxes, builder, close, enqueue

__all__ = ["box", "boxes", "builder", "close", "enqueue"]
