"""What the rows of a dataset look like, and the suite that they suggest.

What belongs here: reading a sample, figures per column, proposing expectations. Not here: what the command prints
(cli/data/profile.py), running a suite (quality/run.py).
"""
