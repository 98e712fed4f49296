"""From processed to gone."""
