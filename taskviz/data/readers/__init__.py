"""One reader a layout of files: what lies in a folder becomes inputs, targets and tasks."""
