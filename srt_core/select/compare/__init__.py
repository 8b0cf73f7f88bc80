"""What-if, policies side by side, a map of two limits, coverage by kind, two students."""
