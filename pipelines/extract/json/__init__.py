"""JSON of an API or a file: exact values, the shapes of records, which keys are columns."""
