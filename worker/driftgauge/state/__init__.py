"""State: where checkpoints live (Redis, memory)."""
