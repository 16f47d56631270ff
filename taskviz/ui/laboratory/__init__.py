"""The transfer laboratory: two linear tasks on sliders, redrawn at each move."""
