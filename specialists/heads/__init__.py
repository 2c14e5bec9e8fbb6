"""Heads: answers that are read off hidden states in one pass, without decoding."""
