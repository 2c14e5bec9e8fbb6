"""Training the linear base: from examples to a table of grams. Knows no queue."""
