"""Training the planner: from what people wrote to cases for its heads, an adapter, its calibration and its figures."""
