"""How much may one person ask for? Every bound of the workbench, in one place."""

from __future__ import annotations

FILE_BYTES = 10 * 2**20
"""An uploaded image file; pixels are bounded by `domains.imagefile` before anything is decoded."""
BODY_BYTES = 256 * 2**10
"""Any other request."""
EXAMPLES = 120
LABEL = 60
"""Characters of a class name, or of a value as it is written."""
NAME = 80
"""Characters of an item's name that are kept."""
EXCERPT = 40
"""Characters of a text or molecule that stand for its name."""
TEXT = 4000
"""Characters of a text or a SMILES."""
COLUMNS, CELL = 500, 200
"""Cells of a row; characters of a column's name and of what stands in it."""
ITEMS = 50
"""Texts, molecules or rows that are taken at once."""
QUERIES = 64
WAITING = 32
"""Light requests (uploads, predictions) that wait for their turn; the next one is told to come back. The server has 40
threads, so that the rest is left for pages and jobs."""
JOBS = 4
"""Full explanations that wait behind the one that is made."""
REMEMBERED = 200
"""Jobs whose end can still be asked for."""
KEPT = 5000
"""Items kept for tasks that were not saved, the oldest go first; those of saved analyses stay."""
TASKS = 1000
SAVED = 2000
"""Saved analyses; they are never thrown away, so beyond this a new one is refused."""
QUICK_SECONDS = 1.0
"""Time of the processor for the values of one light explanation; what would take longer is answered to first order."""
SECONDS = 20.0
"""Time for a full explanation unless the request says otherwise."""
