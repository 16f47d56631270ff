"""Many people at once, and a cache that is full; see :mod:`benchmarks.load.measure`."""
