"""What the answer rests on: repeats, exhaustive truth, estimators against it."""
