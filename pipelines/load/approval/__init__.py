"""Loads that a person has to approve: what waits, what takes its place, and what is decided (adr/050)."""
