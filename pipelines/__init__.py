"""Gudang Data Kaltim: a province's data warehouse that fills itself. See docs/architecture.md for the way of a row."""
