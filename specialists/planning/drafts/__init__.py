"""Drafts: plans as steps, built so that they are always well typed. Knows no goal and no probability."""
