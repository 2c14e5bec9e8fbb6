"""Drafts: plans written as steps that are well typed by how they are built. Knows no goal and no probability."""
