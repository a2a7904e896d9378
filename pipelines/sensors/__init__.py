"""What starts runs: new uploads (uploads.py) and the end of the run before (chain.py)."""
