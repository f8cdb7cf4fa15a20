"""How much may one person ask for? Every bound of the workbench, in one place."""

from __future__ import annotations

FILE_BYTES = 10 * 2**20
"""An uploaded image file; pixels are bounded by `domains.imagefile` before anything is decoded."""
BODY_BYTES = 256 * 2**10
"""Any other request."""
EXAMPLES = 120
LABEL = 60
"""Characters of a class name."""
NAME = 80
"""Characters of a file name that are kept."""
QUERIES = 64
WAITING = 16
"""Light requests (uploads, predictions) that wait for their turn; the next one is told to come back."""
JOBS = 4
"""Full explanations that wait behind the one that is made."""
REMEMBERED = 200
"""Jobs whose end can still be asked for."""
IMAGES = 5000
"""Uploaded images kept for tasks that were not saved, the oldest go first; those of saved analyses stay."""
TASKS = 1000
SAVED = 2000
"""Saved analyses; they are never thrown away, so beyond this a new one is refused."""
QUICK_SECONDS = 1.0
"""Time for the values of one light explanation; what would take longer is answered to first order."""
SECONDS = 20.0
"""Time for a full explanation unless the request says otherwise."""
