"""Checks of a load against the dataset's own history: how many rows a period has, how its classes are distributed.

What belongs here: bounds that come from what was seen before (docs/adr/049), so that nobody writes and maintains them.
They only warn. Not here: rules with written bounds (suites.py).
"""
