"""``outbox doctor``: look for what is wrong before it is felt."""
