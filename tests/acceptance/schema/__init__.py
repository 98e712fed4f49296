"""Creating, checking and dropping the tables through the public functions."""
