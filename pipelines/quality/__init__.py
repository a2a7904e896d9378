"""Great Expectations suites to check results: what a batch must be before readers see it.

What belongs here: which expectations a dataset has, running them in the database, their results as values.
Not here: rules on single cells that quarantine rows (load/stage/rules.py).
"""
