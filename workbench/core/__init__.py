"""Nouns and arithmetic: data, count tables, measures, intervals."""
