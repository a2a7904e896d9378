"""Tells operators what is wrong: one digest per night, and at once what can't wait.

What belongs here: which problems there are, the messages about them, sending them. Not here: when that happens
(sensors/alerts.py, nightly.py), watching from outside of Dagster (health/).
"""
