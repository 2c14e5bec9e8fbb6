"""Training the planner: makes cases, an adapter, its calibration and its figures from what people wrote."""
