"""Figures of the study `overhead`: what batch normalization costs in time."""
