"""Hundreds of tasks, a cluster and large trunks: a file for each part of the benchmark."""
