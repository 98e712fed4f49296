"""What only PostgreSQL can get wrong."""
