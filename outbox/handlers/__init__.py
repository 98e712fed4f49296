"""Calling the user's handlers and making sense of what they do."""
