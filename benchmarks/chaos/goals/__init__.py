"""The goals of chaos, each with the result that the harness computed for it."""
