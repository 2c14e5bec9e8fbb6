"""Runs: the progress of goals, and the decision what comes next. Stores and sends nothing."""
