"""Tests of the integrations that need no server."""
