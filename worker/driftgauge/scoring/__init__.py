"""How well alerts told of incidents that are known: matching, and measures with their uncertainty."""
