"""Looks after Dagster's runs from outside: closes dead ones, limits their waits, prepares the warehouse for them.

Not here: the lease by which a worker shows that it is alive (runtime/lease.py).
"""
