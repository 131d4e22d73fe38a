"""From a trained network to numbers and maps."""
