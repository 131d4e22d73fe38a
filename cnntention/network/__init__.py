"""The network, its size, and its answers."""
