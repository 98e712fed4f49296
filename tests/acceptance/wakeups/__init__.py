"""How soon somebody looks."""
