"""The figures of the study of internal covariate shift."""
