"""Codecs for `OutboxBuilder.codec`: models of pydantic and msgspec, and payloads that only key holders read.

Each imports its library when it is used: ``outbox.contrib.codecs.pydantic``, ``.msgspec``, ``.encrypting``.
"""
