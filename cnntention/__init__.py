"""CNNtention: a reproducible study of attention in small convolutional networks."""
