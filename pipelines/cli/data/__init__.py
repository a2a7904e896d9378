"""Commands about datasets and models: upload, status, validate, models."""
