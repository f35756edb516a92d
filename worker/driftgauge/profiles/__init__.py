"""Profiles: the reference of a model, its cells and its series. Pure."""
