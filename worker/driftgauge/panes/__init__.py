"""Panes: the messages between the two stages, their bytes, and merging them. Pure."""
