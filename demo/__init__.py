"""The demo OPD: databases, APIs and upload files with the faults of real agencies' data; no person in it is real.

What belongs here: generators that are pure functions of the seed, and the few functions that put their rows where an
OPD would have them. Nothing in pipelines/ imports this package; it is started as `python -m demo`.
"""
