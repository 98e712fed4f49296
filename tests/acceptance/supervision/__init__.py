"""Workers through errors, outages, starts and stops."""
