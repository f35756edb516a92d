"""Traffic: how many events a subject has, what the hour of the week lets expect, and what falls out of that."""
