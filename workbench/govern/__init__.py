"""Telling others what an audit found: lineage events, data contracts, catalogues."""
