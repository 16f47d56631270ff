"""Collections: readers, validation, splits, built-in data."""
