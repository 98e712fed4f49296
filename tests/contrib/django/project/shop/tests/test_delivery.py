"""What an application's tests do: in transactions that are rolled back, and in real ones."""

from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase

from outbox.contrib.django import box, enqueue
from outbox.contrib.django.models import DeadLetter, Message, Partition
from outbox.contrib.django.readonly import ReadOnlyError
from outbox.testing import drain
from shop.models import Order, Shipment


class InATransaction(TestCase):
    def test_what_was_enqueued_is_seen_and_delivered_inside_it(self):
        order = Order.objects.create(customer="Anna")
        with transaction.atomic():
            enqueue("orders", {"id": order.pk}, key="Anna")
            enqueue("books", {"id": order.pk})
        self.assertEqual(list(Message.objects.values_list("message_key", flat=True)), ["Anna", None])
        counts = drain(box)
        self.assertEqual((counts.processed, counts.left), (2, 0))
        self.assertEqual(Order.objects.get().state, "booked")
        self.assertEqual(Shipment.objects.count(), 2)

    def test_nothing_of_another_test_is_left(self):
        self.assertEqual((Message.objects.count(), Shipment.objects.count()), (0, 0))

    def test_the_wake_up_is_an_on_commit_callback(self):
        with self.captureOnCommitCallbacks(execute=True) as callbacks, transaction.atomic():
            enqueue("orders", {"id": 1})
            enqueue("orders", {"id": 2})
        self.assertGreaterEqual(len(callbacks), 1)

    def test_a_durable_block_may_enqueue(self):
        with transaction.atomic(durable=True):
            enqueue("orders", {"id": 1})
        box.enqueue_now("orders", {"id": 2})
        self.assertEqual(Message.objects.count(), 2)

    def test_a_message_of_its_own_transaction_is_refused_in_anothers(self):
        with transaction.atomic(), self.assertRaisesRegex(RuntimeError, "durable"):
            box.enqueue_now("orders", {"id": 1})

    def test_a_rejected_message_becomes_a_dead_letter_that_is_requeued(self):
        enqueue("orders", {"id": 1, "lost": True}, key="Anna")
        self.assertEqual(drain(box).dead_lettered, 1)
        letter = DeadLetter.objects.select_related("partition").get()
        self.assertEqual(
            (letter.partition.queue, letter.message_key, letter.status), ("orders", "Anna", "pending")
        )
        self.assertIsNotNone(letter.failed_at.tzinfo)
        self.assertEqual(DeadLetter.objects.filter(failed_at__lte=letter.failed_at).count(), 1)
        self.assertEqual(DeadLetter.objects.filter(failed_at__lt=letter.failed_at).count(), 0)

    def test_models_are_read_only(self):
        with self.assertRaises(ReadOnlyError):
            Message.objects.all().delete()
        with self.assertRaises(ReadOnlyError):
            Partition.objects.get(queue="orders", partition=0).delete()
        with self.assertRaises(ReadOnlyError):
            Message.objects.update(uid="x")


class Committed(TransactionTestCase):
    # Twice the same: whichever comes second finds the tables flushed and the queues registered anew.
    def _one_message(self):
        self.assertEqual(Message.objects.count(), 0)
        with transaction.atomic():
            enqueue("orders", {"id": 1}, key="Anna")
            enqueue("books", {"id": 1})
        self.assertEqual(Message.objects.count(), 2)

    def test_flush_empties_the_tables(self):
        self._one_message()

    def test_flush_empties_the_tables_again(self):
        self._one_message()

    def test_after_a_flush_messages_reach_partitions_that_exist(self):
        self._one_message()
        counts = drain(box)
        self.assertEqual((counts.processed, counts.left), (2, 0))

    def test_a_message_of_its_own_transaction_is_refused_in_anothers(self):
        with transaction.atomic(), self.assertRaisesRegex(RuntimeError, "durable"):
            box.enqueue_now("orders", {"id": 1})
        box.enqueue_now("orders", {"id": 1})
        self.assertEqual(Message.objects.count(), 1)


class Handlers(TransactionTestCase):
    """What a handler does with Django's connection, and what becomes of it."""

    def _deliver(self, payload, **expected):
        with transaction.atomic():
            enqueue("books", payload, partition=1)
            enqueue("books", {"id": 99}, partition=0)
        counts = drain(box)
        for name, value in expected.items():
            self.assertEqual(getattr(counts, name), value, counts)

    def test_a_failed_block_that_was_swallowed_undoes_its_message_alone(self):
        self._deliver({"id": 1, "swallow": True}, retried=1)
        self.assertEqual(list(Shipment.objects.values_list("order", flat=True)), [99])

    def test_callbacks_of_a_failed_message_do_not_run(self):
        from shop import outbox

        outbox.called.clear()
        self._deliver({"id": 1, "on_commit": True, "fail": True}, retried=1)
        self.assertEqual(outbox.called, [])
        drain(box)
        self._deliver({"id": 2, "on_commit": True})
        self.assertEqual(outbox.called, [2])

    def test_a_callback_that_fails_undoes_nothing(self):
        self._deliver({"id": 3, "on_commit": True, "callback_fails": True}, retried=0)
        self.assertEqual(Shipment.objects.filter(order=3).count(), 1)

    def test_a_durable_block_inside_is_refused(self):
        self._deliver({"id": 1, "durable": True}, retried=1)
        self.assertFalse(Shipment.objects.filter(order=1).exists())

    def test_a_closed_connection_is_charged_to_the_message(self):
        if connection.vendor == "sqlite" and connection.is_in_memory_db():
            return  # closing one in memory does nothing
        self._deliver({"id": 1, "close": True}, retried=1)
        self.assertFalse(Shipment.objects.filter(order=1).exists())
