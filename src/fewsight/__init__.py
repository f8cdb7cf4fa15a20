"""fewsight: meta-learning whose decisions people can see through.

learner = fewsight.ProtoNet(fewsight.Conv4())                  # or MAML, MatchingNetwork; any network
fewsight.fit(learner, episodes, steps=1000)                    # meta-train on many small tasks
model = learner.adapt(fewsight.Support.of(images, labels))     # learn a new task from a handful of examples
model.predict(queries)
fewsight.explain(learner, support, query)                      # why? with measured evidence that it is true
"""

from fewsight.domains import Episodes, open_domain, read_query, read_support
from fewsight.errors import FewsightError
from fewsight.explain import Analysis, Explanation, explain
from fewsight.learner import AdaptationTrace, Learner, Model
from fewsight.learners import MAML, MatchingNetwork, ProtoNet
from fewsight.networks import MLP, Conv4
from fewsight.report import write_page
from fewsight.task import Support, Task
from fewsight.training import Report, Run, evaluate, fit, train

__version__ = "0.1.0"

__all__ = [
    "MAML",
    "MLP",
    "AdaptationTrace",
    "Analysis",
    "Conv4",
    "Episodes",
    "Explanation",
    "FewsightError",
    "Learner",
    "MatchingNetwork",
    "Model",
    "ProtoNet",
    "Report",
    "Run",
    "Support",
    "Task",
    "evaluate",
    "explain",
    "fit",
    "open_domain",
    "read_query",
    "read_support",
    "train",
    "write_page",
]
