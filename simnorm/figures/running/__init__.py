"""Figures of the study `running`: functions of its tables."""
