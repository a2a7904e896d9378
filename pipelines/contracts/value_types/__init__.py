"""Which types the values of a contract may have: those of our own properties, and of a column's options.

Not here: the types of ODCS's own keys, which its schema checks (odcs.py).
"""
