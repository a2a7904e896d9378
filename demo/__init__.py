"""The demo OPD: databases, an HTTP API and upload files with the dirt of real agencies; nobody in it is real.

What belongs here: generators that are pure functions of the seed, and the few effects that put their rows
where an OPD would have them. Nothing in pipelines/ imports this package; `python -m demo` is its only face.
"""
