"""The promise of one OPD about one dataset: ODCS files in contracts/ as typed values.

What belongs here: the vocabulary of docs/contracts/ and every contradiction that it forbids. Not here: SQL that moves
rows, connections, Dagster.
"""
