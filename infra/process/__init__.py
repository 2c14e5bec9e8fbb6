"""What a process needs of its machine: children that end with it, a Redis of its own, memory given back."""
