"""The report of a backtest: one HTML page that says what happened, why, and what else was looked at.

`recorder` gathers while a replay runs, `incidents` puts what belongs together together, `content` says what stands on
the page, `figures` where each line of a figure lies, and `page` writes it.
"""
