"""The baseline: what the value series of a subject do in production when nothing is wrong, learned day by day."""
