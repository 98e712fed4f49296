"""A project of Django's whose databases the environment names, as a JSON object of ENGINE, NAME and so on by alias."""

import json
import os

SECRET_KEY = "for tests only"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "outbox.contrib.django",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = json.loads(os.environ["SHOP_DATABASES"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TASKS = {
    "default": {
        "BACKEND": "outbox.contrib.django.tasks.OutboxBackend",
        "QUEUES": ["default", "mails"],
        "OPTIONS": {"PARTITIONS": 4, "MAX_ATTEMPTS": 2},
    }
}
OUTBOX = {"default": {"DATABASE": "default", **json.loads(os.environ.get("SHOP_OUTBOX", "{}"))}}
if "SHOP_SECOND" in os.environ:
    OUTBOX["second"] = {"DATABASE": os.environ["SHOP_SECOND"]}
if len(DATABASES) > 1:
    DATABASE_ROUTERS = ["outbox.contrib.django.router.OutboxRouter"]
