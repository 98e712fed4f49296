"""The four stages and the threads beside them: loops' actions that know backends, not drivers."""
