"""Sets of goals to measure the planner on, and the outcomes of its answers to them."""
