"""Decisions: what one run does next, worked out without storing or sending anything."""
