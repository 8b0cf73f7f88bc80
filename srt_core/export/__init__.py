"""Export: verdicts become files for training, with a manifest."""
