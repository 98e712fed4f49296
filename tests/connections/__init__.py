"""Enqueueing through every kind of connection."""
