"""Normal: the effect of a plan, independent of how it is written, so that two plans can be compared. Runs nothing."""
