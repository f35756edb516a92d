"""Ingest: records of one source to partial panes. Pure."""
