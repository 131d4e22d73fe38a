"""Figures, one file a kind: a spec and histories in, a figure out."""
