"""Applies the stage to raw: SQL that replaces, appends or merges, and the checks that a load loses no rows wrongly."""
