"""Removes secrets, personal values and control characters from texts that others wrote, before printing or storing."""
