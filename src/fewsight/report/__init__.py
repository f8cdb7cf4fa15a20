"""From an analysis to a page a person reads: one self-contained HTML file."""

from fewsight.report.page import render, write_page

__all__ = ["render", "write_page"]
