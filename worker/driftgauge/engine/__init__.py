"""From profiles and settings to engines: what is counted, what is judged, and under which analysis hash.

The pure part of the composition. Live worker (`app.py`) and file replay build the same objects here, so that they give
the same alerts.
"""
