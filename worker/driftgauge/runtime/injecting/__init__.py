"""Files written again with faults in them, in their own format."""
