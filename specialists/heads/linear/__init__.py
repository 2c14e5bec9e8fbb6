"""The linear base: a text's words and letters alone, weighed for each label. It has no weights of its own."""
