"""The command ``outbox``, for people and for scripts; needs the extra ``cli``."""
