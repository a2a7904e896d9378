"""Says from outside of Dagster's processes whether the installation works.

What belongs here: what `gudang health` looks at, and the reading of Dagster's tables without Dagster. Not here: sending
messages (alerts/).
"""
