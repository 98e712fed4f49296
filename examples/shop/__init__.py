"""An invented shop: the application that the quickstart adds an outbox to."""
