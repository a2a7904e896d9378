"""Dagster's runs from the outside: dead runs, waiting for a source, what a run finds ready (readiness.py).

Not here: the lease by which a worker shows that it lives (runtime/lease.py).
"""
