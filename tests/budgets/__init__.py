"""How many statements each path sends, counted on their way to the server."""
