"""Goals and what callers do with them: accept, look up, cancel, run again, letters, saved plans. Knows no HTTP."""
