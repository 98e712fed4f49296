"""Schedule work on plain threads: pacing, wake-ups, ready keys, supervision.

Nothing in here knows what an outbox is. A worker is a loop (`worker`) around an action, the action's
`run_once()` returns a `directive`, and the `pacer` obeys it.
"""
