"""Views: what commands show on a terminal, from what the API answers and from plans."""
