"""What a night costs, measured against the least that it could: `make bench`."""
