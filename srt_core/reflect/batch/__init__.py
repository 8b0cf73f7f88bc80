"""Reflect by a teacher's Batch API: hand requests over, fetch what has ended."""
