"""Speed and memory, measured: ``make benchmark``, or ``python -m benchmarks.training --help``."""
