"""Side-by-side timings, each a ratio in one run."""
