"""The database servers the suite starts for itself: finding, installing, starting and stopping them."""
