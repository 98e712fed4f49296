"""The test suite; a package so that tests can import ``tests.support`` whatever else is installed."""
