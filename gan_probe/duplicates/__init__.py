"""Duplicates in a set of images: the paper's hash, a perceptual hash, a search for near ones, and keep-lists."""
