"""Bias checks."""
