"""The ladder: the models tried for one job, from the cheapest on, and which of them is installed. Hosts no model."""
