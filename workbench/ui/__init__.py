"""Screens over records; nothing is computed here."""
