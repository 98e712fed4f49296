"""From repetitions to tables, a JSON file and a picture."""
