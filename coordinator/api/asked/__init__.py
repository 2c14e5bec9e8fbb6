"""What requests say: bodies, headers, pages and paths, each checked. Knows no route."""
