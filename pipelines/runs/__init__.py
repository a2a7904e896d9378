"""Dagster's runs seen from outside: dead runs, waiting for a source, what a run finds ready (readiness.py).

Not here: the lease by which a worker shows that it is alive (runtime/lease.py).
"""
