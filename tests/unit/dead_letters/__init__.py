"""Tests of the dead letters' plain values."""
