"""What is set for queues while workers run, and who sets it."""
