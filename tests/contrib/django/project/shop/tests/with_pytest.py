"""The same with pytest-django, whose runs pytest-xdist shares out; not collected by Django's own runner."""

import pytest
from django.db import transaction

from outbox.contrib.django import box, enqueue
from outbox.testing import capture, drain
from shop.models import Shipment


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(4))
def test_it_is_delivered_inside_the_test_s_own_transaction(number):
    with capture(box) as sent:
        enqueue("orders", {"id": number}, key="Anna")
    sent.assert_enqueued("orders", key="Anna")
    assert drain(box, errors="raise").processed == 1
    assert Shipment.objects.get().order == number


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", range(4))
def test_it_is_committed_and_the_next_test_finds_empty_tables(number):
    with transaction.atomic():
        enqueue("orders", {"id": number})
    assert drain(box).processed == 1
    assert Shipment.objects.count() == 1


@pytest.mark.django_db
def test_the_wake_up_is_a_callback(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as callbacks, transaction.atomic():
        enqueue("orders", {"id": 1})
    assert len(callbacks) == 1
