"""Rows of tables: what models see of them, and the sets of them."""
