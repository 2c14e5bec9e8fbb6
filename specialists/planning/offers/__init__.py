"""Offers: the planner's input as records: a goal, its inputs, and job types. Knows no model and no plan."""
