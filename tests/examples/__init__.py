"""The programs under examples/ do what they say."""
