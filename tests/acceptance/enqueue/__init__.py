"""Writing messages in the application's transactions."""
