"""Reflect: ask the teacher for the candidates that are missing and keep every reply."""
