"""Manages the warehouse's database: its own schema, connections, the exchange of relations, locks, time limits.

Not here: the rows that a load or a model writes.
"""
