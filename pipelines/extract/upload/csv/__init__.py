"""Reads CSV files: finds the dialect, and reads by Python, or directly by PostgreSQL, which is faster."""
