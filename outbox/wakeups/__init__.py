"""The trip of a wake-up: from a flush to the threads that look, in this process and in others."""
