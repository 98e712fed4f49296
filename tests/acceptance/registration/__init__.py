"""Queues and their partitions."""
