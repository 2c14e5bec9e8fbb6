"""Decisions: they work out what one run does next. Nothing here stores or sends anything."""
