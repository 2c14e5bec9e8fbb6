"""Normal: what a plan does, however it is written, so that two plans can be compared. Runs nothing."""
