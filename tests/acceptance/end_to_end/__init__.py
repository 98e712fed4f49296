"""The whole pipeline, and what may not go wrong in it."""
