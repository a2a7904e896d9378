"""Stage to raw: the SQL that replaces, appends or merges, and what a load must not lose."""
