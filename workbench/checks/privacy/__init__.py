"""Privacy checks."""
