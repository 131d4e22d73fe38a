"""The network, its size, and its predictions."""
