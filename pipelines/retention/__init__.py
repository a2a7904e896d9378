"""Deletes what is older than it has to be kept: policy.py, tables.py, raw.py, uploads.py."""
