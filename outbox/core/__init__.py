"""The producer's side of the facade."""
