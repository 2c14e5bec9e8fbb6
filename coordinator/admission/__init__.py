"""Who is let in, and who is told when to come back. Knows no plan."""
