"""Measures and compares specialists, labels with them, and replays jobs. Serves nothing."""
