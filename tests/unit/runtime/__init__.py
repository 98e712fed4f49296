"""Tests of the scheduling, without a database."""
