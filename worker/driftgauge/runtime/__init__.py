"""Runtime: the imperative shell - loops, checkpoints, signals, the wall clock."""
