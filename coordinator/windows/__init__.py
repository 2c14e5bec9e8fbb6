"""Windows: routes in the shapes of other APIs, so that clients which people already have get in unmodified."""
