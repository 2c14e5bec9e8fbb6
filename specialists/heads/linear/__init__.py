"""The linear base: what a text says by its words and letters alone, weighed for each label. It has no weights of its own."""
