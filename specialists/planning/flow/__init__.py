"""Flow: the schema of what a shipped function gives, from the schemas of its arguments. Knows no goal."""
