"""Base models: fetched, checked, converted once, loaded."""
