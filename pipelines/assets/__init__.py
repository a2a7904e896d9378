"""The assets for Dagster: raw.py (ingest), warehouse.py (SQL models), publication.py. The work is done elsewhere."""
