"""Sources of images: one file each, found by the name they register; see :mod:`cnntention.data.source`."""
