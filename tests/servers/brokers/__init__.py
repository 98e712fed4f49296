"""The message brokers the relays are tested against: installing, starting and stopping them."""
