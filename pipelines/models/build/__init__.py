"""Building models: their order, the steps of one node, and its results in the ledger."""
