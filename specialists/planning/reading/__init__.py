"""Reading: what scorers and words say of each part that a goal's plan may have. Knows models as `Reader` alone."""
