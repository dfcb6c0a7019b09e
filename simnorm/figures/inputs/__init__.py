"""Figures of the study `inputs`: what a batch-normalized input is worth against a z-score."""
