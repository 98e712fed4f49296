"""Codecs for `OutboxBuilder.codec`: models of pydantic and msgspec, payloads in code or in a store.

Each imports its library when it is used: ``outbox.contrib.codecs.pydantic``, ``.msgspec``, ``.encrypting``,
``.claim_check`` with ``.stores``.
"""
