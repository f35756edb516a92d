"""Bytes to columns: what an event is, and what of it counts."""
