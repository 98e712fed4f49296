"""One migration for each of the shipped ones, never changed once it is released."""
