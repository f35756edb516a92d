"""Detect: closed panes to detections. Pure."""
