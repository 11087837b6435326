"""Measures of a set of numbers or samples: pure arrays in and out."""
