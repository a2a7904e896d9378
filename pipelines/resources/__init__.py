"""Connections as Dagster resources, which differ between the demo, a test and the province."""
