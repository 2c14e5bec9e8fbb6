"""What the planner's heads are trained on: texts, each with its right answer."""
