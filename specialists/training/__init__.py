"""Training: from examples to an adapter, and its arithmetic on processors."""
