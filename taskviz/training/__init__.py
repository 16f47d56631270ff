"""Networks trained on groups and on subsets of the tasks."""
