"""Flow: the schema of a shipped function's output, from the schemas of its arguments. Knows no goal."""
