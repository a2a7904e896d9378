"""From a source to a stream of COPY text: one module per kind of source, all giving a `SourceStream`.

What belongs here: reading. Not here: types, repairs, checks (they are SQL, made in `load/`).
"""
