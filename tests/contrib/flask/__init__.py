"""Tests of the Flask extension in real servers."""
