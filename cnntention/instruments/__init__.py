"""Instruments, a file each: from a trained network and images to numbers that say what the network does."""
