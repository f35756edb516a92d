"""Detection on single events: river's detectors over every value of a source, beside the counting of panes. Pure."""
