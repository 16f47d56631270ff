"""A collection as a folder with ``collection.toml``: read, checked, written."""
