"""Many settings judged over the same panes: which of them would have told what, how soon, and how often in vain.

`axes` says which settings, `variant` judges by one of them, `placebo` how often it alarms where nothing happened, and
`rows` holds them side by side.
"""
