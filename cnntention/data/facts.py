"""What is known of the datasets before any of their files is read."""

TRAIN_IMAGES = {"cifar10": 50_000, "mnist": 60_000, "digits": 1_437}
"""Images of the training set by source."""

TEST_IMAGES = {"cifar10": 10_000, "mnist": 10_000, "digits": 360}
"""Images of the test set by source."""

CHANNELS = {"cifar10": 3, "mnist": 1, "digits": 1}
"""Channels of the images by source."""

CLASS_NAMES = {
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "mnist": tuple("0123456789"),
    "digits": tuple("0123456789"),
}
"""Class names by source, in the order of the labels."""
