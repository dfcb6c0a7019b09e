"""Figures of the study `scaling`: functions of its tables."""
