"""The command as a person uses it: in a process of its own, on every backend."""
