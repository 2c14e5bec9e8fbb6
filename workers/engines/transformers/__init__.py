"""The engine on transformers: a running batch, decoded by one thread."""
