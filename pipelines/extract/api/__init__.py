"""Reads an OPD's HTTP API as a stream of COPY text: requests, log-in, pages."""
