"""The widths of the network, apart from the network so that the config can be checked without torch."""

STAGE_CHANNELS = (16, 32, 64)
"""Channels of the three stages (paper, section 4.1)."""
