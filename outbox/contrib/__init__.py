"""Integrations: one folder each, importable alone, and each library imported only where it is used."""
