"""The tables of speed in docs/speed.md, and the README's sentence, from benchmarks/results/."""

from benchmarks.table import in_short, launches, operations, parity, speed
from docs.blocks import fill

fill("speed in short", in_short() + "\n")
fill("speed", speed() + "\n")
fill("operations", operations() + "\n")
fill("launches", launches() + "\n")
fill("parity", parity() + "\n")
