"""Softmax attention on the CPU as an operator of torch's, in C++: torch's own is not made for narrow heads.

``narrow.h`` holds the kernels for heads of few channels, ``wide.h`` those for more, ``operator.cpp`` what reads and
writes tensors, ``build.py`` builds it, ``operator.py`` makes it known to autograd and torch.compile.
"""
