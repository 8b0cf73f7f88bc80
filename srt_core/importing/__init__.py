"""Import: files become samples with an original pair, and what each sample is about."""
