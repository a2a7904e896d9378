"""Who works on a Dagster run: leases (lease.py), dead runs (dead.py, launcher.py), waiting for a source (slots.py)."""
