"""What users hang onto the engine: wrappers around handlers, observers of events, a stop that handlers see."""
