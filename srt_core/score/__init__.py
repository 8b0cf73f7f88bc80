"""Score: the student's losses of every candidate, and the ratios made of them."""
