"""Runs: what a goal has come to and what comes next. Decides; stores and sends nothing."""
