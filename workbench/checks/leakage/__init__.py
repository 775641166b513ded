"""Leakage checks: what a model could know in training that it will not know in use."""
