"""How fast the library is, at what cost, beside yardsticks and other libraries: ``make bench``."""
