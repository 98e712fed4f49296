"""``outbox dead-letters``: what no handler could deliver."""
