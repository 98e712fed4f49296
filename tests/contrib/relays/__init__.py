"""Tests of the relays against real brokers."""
