"""A person's own tables, of any kind of input: which column is what, and how they become a domain."""
