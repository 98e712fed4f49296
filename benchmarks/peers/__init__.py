"""Other libraries on the same database, each in its best documented settings.

``python -m benchmarks.peers NAME URL MESSAGES`` runs one of them on an empty database and prints one
`Phase.to_line` each for ``enqueue_single``, ``enqueue_batch`` and ``drain``; the settings, with the
reasons, are in the ``extra`` of ``drain``.
"""
