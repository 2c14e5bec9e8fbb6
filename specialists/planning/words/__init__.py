"""Words: what a goal says, and how parts of plans are said in words. Knows no model."""
