"""What the figures of a report show, in a sentence or two each."""
