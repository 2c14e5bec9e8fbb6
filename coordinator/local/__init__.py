"""The whole house on one machine: starts its processes, watches them and stops them. Knows no goal."""
