"""Figures of the study `inputs`: functions of its tables."""
