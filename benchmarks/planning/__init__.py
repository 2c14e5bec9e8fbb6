"""Benchmarks of planning alone: plans of chance that must compile, and how long a goal takes. No queue, no runs."""
