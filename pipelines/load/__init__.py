"""Loads COPY text into a table of raw, by landing, stage, quarantine and gate, and keeps the ledger.

What belongs here: SQL made from contracts, and the one place that runs it. Not here: reading sources (extract/),
expectations (quality/), Dagster.
"""
