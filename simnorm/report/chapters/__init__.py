"""What the reports of the studies say, a module for each."""
