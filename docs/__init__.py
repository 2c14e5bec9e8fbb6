"""The pages of the documentation, and the generator of its reference. Nothing here is part of the package."""
