"""The warehouse's database itself: connections, relations and their exchange, locks, time limits.

Not here: what a load or a model writes.
"""
