"""From committed to numbered."""
