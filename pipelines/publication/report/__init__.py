"""The report that people read: one static page in Indonesian."""
