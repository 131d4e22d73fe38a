"""CNNtention: a reproducible study of attention in small convolutional networks."""

__version__ = "0.1.0"
