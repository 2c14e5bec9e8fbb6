"""The commands that ask the API, and what they show on a terminal."""
