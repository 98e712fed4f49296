"""Tests of the statement catalogue."""
