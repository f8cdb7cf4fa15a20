"""Metric-based learners: compare a query with the support in a learned space."""
