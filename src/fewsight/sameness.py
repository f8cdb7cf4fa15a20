"""Which of a person's inputs are one and the same? A query that is a support example tests nothing but memory."""

from __future__ import annotations

from fewsight import tree
from fewsight.domains.format import Examples, Format, Identifies
from fewsight.explain.provenance import digest
from fewsight.task import Support


def keys(form: Format, examples: Examples) -> list[str]:
    """Of each, equal where it is the same thing; where a format does not know, where the model sees the same."""
    if isinstance(form, Identifies):
        return form.keys(examples)
    leaves = tree.leaves(examples.x)
    return [digest((str(i), leaf[place]) for i, leaf in enumerate(leaves)) for place in range(len(examples.names))]


def repeats(form: Format, support: Support, examples: Examples, queries: Examples) -> list[str]:
    """A sentence about queries that are support examples, and one about equal examples with different labels."""
    labels, names, said = support.y.tolist(), examples.names, []
    first: dict[str, int] = {}
    pairs = [(place, first.setdefault(key, place)) for place, key in enumerate(keys(form, examples))]
    known = [(place, first[key]) for place, key in enumerate(keys(form, queries)) if key in first]
    size = len(queries.names)
    if known and size == 1:
        said.append(f"the query is one of your examples too ({names[known[0][1]]}): this answer is no test")
    elif known:
        name = queries.names[known[0][0]]
        said.append(f"{len(known)} of {size} queries are your examples too ({name} first): answers to them are no test")
    if differ := [(names[one], names[other]) for one, other in pairs if labels[one] != labels[other]]:
        (one, other), count = differ[0], len(differ)
        said.append(f"{one} is the same as {other} but labelled otherwise ({count} of this kind): check the labels")
    return said
