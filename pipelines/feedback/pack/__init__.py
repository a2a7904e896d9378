"""The files that an OPD gets about one load: its own file, marked, the list of findings, page and summary."""
