"""Plotly figures: values in, figures out."""
