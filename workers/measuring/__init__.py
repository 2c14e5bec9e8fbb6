"""Specialists measured, compared, used to label, and jobs replayed. Serves nothing."""
