"""A record as HTML, notebook, text or XML; nothing is computed here."""
