"""Reads the promise of one OPD about one dataset, an ODCS file in contracts/, as a typed value.

What belongs here: the vocabulary of docs/contracts/ and every contradiction that it forbids. Not here: SQL that moves
rows, connections, Dagster.
"""
