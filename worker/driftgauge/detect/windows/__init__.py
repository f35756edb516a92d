"""Two-sample comparisons of merged panes with the profile, as pure functions of counts."""
