"""The warehouse's database itself: its own schema, connections, relations and their exchange, locks, time limits.

Not here: what a load or a model writes.
"""
