"""The outbox in the admin."""

from django.test import TestCase

from outbox.contrib.django import box, enqueue
from outbox.contrib.django.models import DeadLetter, Message
from outbox.testing import drain


class Admin(TestCase):
    def setUp(self):
        from django.contrib.auth.models import Permission, User

        self.viewer = User.objects.create_user("viewer", password="v", is_staff=True)
        self.viewer.user_permissions.set(
            Permission.objects.filter(codename__in=["view_deadletter", "view_message", "view_partition"])
        )
        self.operator = User.objects.create_user("operator", password="o", is_staff=True)
        self.operator.user_permissions.set(Permission.objects.filter(content_type__app_label="outbox"))
        for number, customer in enumerate(["Anna", "Bert", "Carla"]):
            enqueue("orders", {"id": number, "lost": True}, key=customer)
        drain(box)
        self.letters = {letter.message_key: letter for letter in DeadLetter.objects.all()}

    def _act(self, action, *names):
        chosen = [str(self.letters[name].pk) for name in names]
        return self.client.post(
            "/admin/outbox/deadletter/", {"action": action, "_selected_action": chosen}, follow=True
        )

    def test_lists_are_searched_by_key_and_id_and_filtered(self):
        self.client.force_login(self.viewer)
        for query, found in (
            ("", 3),
            ("q=Anna", 1),
            ("q=Ann", 0),
            ("status=resolved", 0),
            ("queue=orders", 3),
            ("failed_at__gte=2100-01-01%2000:00:00%2B00:00", 0),
            (f"q={self.letters['Bert'].message_id}", 1),
        ):
            page = self.client.get(f"/admin/outbox/deadletter/?{query}")
            self.assertEqual((page.status_code, len(page.context["cl"].result_list)), (200, found), query)
        detail = self.client.get(f"/admin/outbox/deadletter/{self.letters['Anna'].pk}/change/")
        self.assertContains(detail, "there is no such address")
        self.assertContains(detail, "&quot;lost&quot;")
        for model in ("message", "partition"):
            self.assertEqual(self.client.get(f"/admin/outbox/{model}/").status_code, 200)

    def test_only_an_operator_is_offered_actions(self):
        self.client.force_login(self.viewer)
        self.assertNotContains(self.client.get("/admin/outbox/deadletter/"), "Requeue")
        self._act("discard", "Anna")
        self.assertEqual(DeadLetter.objects.filter(status="discarded").count(), 0)
        self.assertEqual(self.client.get("/admin/outbox/deadletter/add/").status_code, 403)

    def test_actions_do_what_they_say_and_are_logged(self):
        from django.contrib.admin.models import LogEntry

        self.client.force_login(self.operator)
        self.assertContains(self._act("requeue", "Anna"), "1 of 1 requeued")
        self.assertContains(self._act("discard", "Bert"), "1 of 1 discarded")
        self.assertContains(self._act("replay", "Carla"), "1 rejected")
        self.assertEqual(Message.objects.filter(message_key="Anna").count(), 1)
        self.assertEqual(DeadLetter.objects.get(message_key="Bert").status, "discarded")
        self.assertEqual(LogEntry.objects.filter(user=self.operator).count(), 3)
