"""Search: builds whole, well-typed plans from the probabilities of parts, the likeliest first. Knows no model."""
