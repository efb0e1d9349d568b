"""Learning: the optimizer, the loop, many networks at once, what a run leaves behind, and sweeps.

Read in this order: `adamw`, `training`, `ensemble`, `runs`, `sweep`.
"""
