"""Sinks: where records go (Kafka, JSON Lines)."""
