"""`driftgauge backtest`: what is read, by which models it is judged, and what is told of it."""
