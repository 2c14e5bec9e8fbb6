"""Evidence: numbers for and against each part of a plan, and how they are weighed. Knows no scorer."""
