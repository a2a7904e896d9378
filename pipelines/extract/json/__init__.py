"""Reads JSON of an API or a file: exact values, the shapes of records, the keys that are columns."""
