"""Reads an uploaded file as a stream of COPY text: the upload zone, archives, and one reader per kind of file."""
