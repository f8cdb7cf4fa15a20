"""Optimizer-based learners: adaptation is a learned process, not a fixed rule."""
