"""A web shop in Django that takes an order and lets it be shipped in the background.

    python examples/django_app/manage.py demo       # then, from another terminal:
    curl -d customer=Anna -d item=teapot localhost:8000/orders
    curl localhost:8000/orders

Needs Django (`pip install django`). `demo` serves and works in one process; in production the workers
have one of their own, `manage.py run_outbox`, or are started in gunicorn's `post_fork` (see wsgi.py).
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    execute_from_command_line(sys.argv)
