"""Datasets: from a source to one prepared file, and from there to batches on the device."""
