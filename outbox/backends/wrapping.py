"""A driver's error inside what SQLAlchemy or Django made of it."""

from __future__ import annotations


def underneath(error: BaseException) -> BaseException:
    """Return the driver's error that this one wraps, or this one.

    SQLAlchemy keeps it as ``orig``; Django raises an error of its own from it.
    """
    if type(error).__module__ == "django.db.utils" and error.__cause__ is not None:
        return error.__cause__
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error
