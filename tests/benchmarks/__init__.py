"""The benchmark suite is right about what it measures, and runs."""
