"""The loan story of `driftgauge demo`: a scorecard, its service, its applicants, and the rollout that breaks it."""
