"""The library's own statements, driven by the barest script: what the library could reach at most."""
