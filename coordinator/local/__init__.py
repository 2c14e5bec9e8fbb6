"""The whole house on one machine: its processes, started, watched and stopped."""
