"""Selective Reflection-Tuning: reflect, score, select, review, export.

Importing this package loads none of torch, transformers, openai and streamlit.
"""

__version__ = "0.1.0"
