"""The reference pages, written from the code when the site is built. Each file writes one page; none keeps state."""
