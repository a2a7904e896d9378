"""What leaves the warehouse: open marts as files, their catalogue, and the report that people read.

What belongs here: the choice of what is open, the guard that refuses personal data, and the files themselves.
Not here: building marts (models/), Dagster. Functions take a connection and plain values; nothing reads the
clock, so the same data gives the same bytes. `publish.py` is the door.
"""
