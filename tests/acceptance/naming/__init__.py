"""What messages are called: their keys, their names, and where their numbers come from."""
