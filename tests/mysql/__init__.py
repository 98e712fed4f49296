"""What only MySQL and MariaDB can get wrong."""
