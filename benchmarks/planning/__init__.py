"""Benchmarks of planning alone: random plans that must compile, and the time of planning. No queue, no runs."""
