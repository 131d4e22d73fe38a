"""The README's tables of speed, from benchmarks/results/."""

from benchmarks.table import parity, speed
from docs.blocks import fill

fill("speed", speed() + "\n")
fill("parity", parity() + "\n")
