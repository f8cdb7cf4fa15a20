"""What does the page say in English of what would change the answer? As in `english.py`."""

from __future__ import annotations

CHANGES: dict[str, str] = {
    "change": "What would change its mind",
    "change_flip": "Without “{name}” (“{label}”) the model would no longer hold “{answer}” more likely than not.",
    "change_gone": "“{name}” is the only example of “{label}”: without it that class could not be chosen at all.",
    "change_flip_none": "No single example decides alone: without any one of them the answer stays “{answer}”.",
    "change_largest": "Taking away “{name}” moves it most, from {before} to {after}.",
    "change_stronger": "“{first}” and “{second}” strengthen each other: together they do more than apart ({value}).",
    "change_overlap": "“{first}” and “{second}” overlap: together they do less than apart ({value}).",
    "change_mixed": "“{first}” and “{second}” bear on each other: their joint effect differs from the sum by {value}.",
    "change_removal": "The fewest examples to take away for another answer, “{answer}”: {examples}.",
    "change_relabelling": "The fewest labels to change for another answer, “{answer}”: {examples}.",
    "change_called": "“{name}” called “{label}”",
    "change_query_one": "With 1 part taken from “{name}” the new example would be “{answer}”.",
    "change_query_many": "With {count} parts taken from “{name}” the new example would be “{answer}”.",
    "change_pair_one": "With {change} (1 part exchanged) the new example would be “{answer}”: {text}.",
    "change_pair_many": "With {change} ({count} parts exchanged) the new example would be “{answer}”: {text}.",
    "change_pair_none": "None of {count} small real changes that were tried gives another answer.",
    "change_pair_most": "Of all the small real changes that were tried, {change} moves it most: {text}.",
    "pairs_note": "Left: the new example, what goes is blue. Right: what comes is orange. Figures are the {target}; "
    "as it is: {value}.",
    "pairs_line": "{change}: “{answer}” ({value})",
    "pairs_exchange": "Exchange",
    "pairs_text": "Changed example",
    "pairs_size": "Parts exchanged",
    "pairs_answer": "Answer",
    "pairs_score": "Figure",
    "pairs_donor": "Taken from",
    "pairs_likeness": "Likeness",
}
