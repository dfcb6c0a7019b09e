"""The proof behind "Can I trust it?": what is measured, kept as CSV in reports/proof, and drawn."""
