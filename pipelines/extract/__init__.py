"""Reads a source as a stream of COPY text: each kind of source has a reader, and each reader gives a `SourceStream`.

What belongs here: reading. Not here: types, repairs and checks, which are SQL and made in `load/`.
"""
