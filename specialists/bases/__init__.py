"""Base models: they are fetched, checked, converted once, and loaded."""
