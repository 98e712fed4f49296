"""Where messages arrive: a topic or queue of each broker, read in the order of arrival."""

from tests.contrib.relays.places.place import Arrival, Place

__all__ = ["Arrival", "Place"]
