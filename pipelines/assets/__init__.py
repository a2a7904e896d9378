"""Thin Dagster faces: raw.py (ingest), warehouse.py (SQL models), publication.py. Logic lives elsewhere."""
