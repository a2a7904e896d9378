"""Landing to stage: the SQL that repairs, casts and judges rows, and what becomes of the refused ones."""
