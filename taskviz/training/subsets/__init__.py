"""Many networks that differ in their task subset and seed, trained at once."""

from taskviz.training.subsets.draws import all_subsets, draw_subsets
from taskviz.training.subsets.engine import train_subsets
from taskviz.training.subsets.request import Subset, SubsetOptions, SubsetRun

__all__ = ["Subset", "SubsetOptions", "SubsetRun", "all_subsets", "draw_subsets", "train_subsets"]
