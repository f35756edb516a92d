"""Sources: where records come from (Kafka, files)."""
