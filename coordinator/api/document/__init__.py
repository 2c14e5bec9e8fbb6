"""The OpenAPI document: it describes the bodies and headers of each route. No request passes through it."""
