"""Reading: collects what scorers and words say of each part of a goal's plan. Knows models as `Reader` alone."""
