"""Speed, always as ratios in one run: Driftgauge beside the loop one would write by hand. Started by `make bench`."""
