"""The tables of speed in docs/speed.md, from benchmarks/results/."""

from benchmarks.table import launches, operations, parity, speed
from docs.blocks import fill

fill("speed", speed() + "\n")
fill("operations", operations() + "\n")
fill("launches", launches() + "\n")
fill("parity", parity() + "\n")
