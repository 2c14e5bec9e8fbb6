"""Keys and tenants: who asks, what their key is good for, and how much their tenant may ask for. Knows no HTTP."""
