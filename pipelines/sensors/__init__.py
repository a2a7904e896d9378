"""Sensors that start runs: after new uploads (uploads.py, descendants.py), and after another run (chain.py)."""
