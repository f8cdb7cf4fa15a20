"""Gradient-based learners: take a few steps of gradient descent on the support."""
