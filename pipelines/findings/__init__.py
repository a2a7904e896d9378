"""The catalogue of findings: what a row, file, source, contract, table or load can break, each with a stable code."""
