"""Attention blocks: one file each, ``[B, C, H, W] -> [B, C, H, W]``, found by the name they register."""
