"""Evidence: what speaks for and against each part of a plan, and how it is weighed. Knows no scorer."""
