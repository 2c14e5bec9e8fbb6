"""Training heads: from examples to what reads answers off hidden states. Knows no queue."""
