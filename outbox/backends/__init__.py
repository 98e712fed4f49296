"""One database each, behind one protocol."""
