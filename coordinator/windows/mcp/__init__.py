"""The window for MCP: job types and goals as tools of an MCP server at `/mcp`."""
