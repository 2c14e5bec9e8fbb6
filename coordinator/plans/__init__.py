"""Plans: how they are written, checked, typed, bound and saved, and how the planner answers. Knows no run."""
