"""From COPY text to a published raw table: landing, stage, quarantine, gate, swap or merge, ledger.

What belongs here: SQL made from contracts, and the one place that runs it. Not here: reading sources (extract/),
expectations (quality/), Dagster.
"""
