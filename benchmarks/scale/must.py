"""What the figures must reach."""

MUST = {"seconds": 1800.0, "megabytes": 4096.0, "exponent_a_network": 1.2, "ray": 1.6, "trunk": 3.0}
