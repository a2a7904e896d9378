"""A simulated month on the set-up of a server: `gudang bench month`, see docs/benchmarks.md."""
