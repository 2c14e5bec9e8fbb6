"""Words: the values that a goal states, and parts of plans put into words. Knows no model."""
