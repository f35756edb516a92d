"""Alerts: detections to episodes and alert events. Pure."""
