"""Faults put into records on their way from a source, to see whether they would have been noticed."""
