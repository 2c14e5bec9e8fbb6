"""The OpenAPI document: what each route takes and sends, for its reader. No request passes through it."""
