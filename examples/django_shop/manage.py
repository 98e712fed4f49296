"""A web shop in Django that takes an order, and has it paid for and shipped in the background.

    cd examples/django_shop
    python manage.py migrate
    python manage.py outbox run &
    gunicorn wsgi &
    curl -d customer=Anna -d item=teapot localhost:8000/orders
    curl localhost:8000/orders

Needs `pip install "outbox-pipeline[django]" gunicorn`. SHOP_DATABASES may name other databases than SQLite,
as a JSON object like DATABASES.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    execute_from_command_line(sys.argv)
