"""What every backend promises, written once and run on each."""
