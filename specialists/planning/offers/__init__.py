"""Offers: what the planner is asked, as records: a goal, its inputs, and job types. Knows no model and no plan."""
