from tests.support import Spawn

SHOW = """
import sys
import outbox
outbox.Outbox
import outbox.contrib.django
print(sorted(name for name in ("django", "django_tasks", "flask", "alembic") if name in sys.modules))
"""


def test_no_framework_is_imported_before_it_is_used(spawn: Spawn) -> None:
    assert spawn(SHOW).succeed() == "[]"
