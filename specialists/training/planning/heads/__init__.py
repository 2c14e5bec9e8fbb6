"""The training of the planner's heads: the adapter with the matcher, and the layer over whole goals."""
