"""Connections as Dagster resources: what differs between the demo, a test and the province."""
