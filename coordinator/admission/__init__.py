"""Admission: lets requests in, or tells them when to come back. Knows no plan."""
