"""Benchmarks: what is measured, as ratios within one run."""
