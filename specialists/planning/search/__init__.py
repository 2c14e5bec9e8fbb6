"""Search: from probabilities of parts to whole plans that are well typed, the likeliest first. Knows no model."""
