"""CSV files: finding the dialect, reading by Python, and the fast way straight into PostgreSQL."""
