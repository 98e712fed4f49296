"""Tests of calling handlers."""
