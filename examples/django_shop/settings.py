"""As little as Django needs."""

import json
import os
import tempfile
from pathlib import Path

from django import VERSION

SECRET_KEY = "for a demonstration only"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "outbox.contrib.django", "orders"]
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(tempfile.gettempdir()) / "django-shop.sqlite3",
        # A transaction that reads before it writes waits for other writers then, instead of failing.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"} if VERSION >= (5, 1) else {},
    }
}
if "SHOP_DATABASES" in os.environ:
    DATABASES = json.loads(os.environ["SHOP_DATABASES"])
for database in DATABASES.values():
    database["ATOMIC_REQUESTS"] = True
