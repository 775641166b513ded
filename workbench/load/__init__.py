"""Opening data and model files."""
