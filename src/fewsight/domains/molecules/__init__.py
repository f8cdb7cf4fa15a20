"""Molecules: what models see of them, and the assays of them."""
