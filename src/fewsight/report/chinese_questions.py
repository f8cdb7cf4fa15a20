"""What do explanations ask, of which number, compared with what? In Chinese, by the English phrase of `explain`."""

from __future__ import annotations

QUESTIONS: dict[str, str] = {
    # targets
    "margin of {label} over all others (its log-odds)": "{label} 相对其余各类别的优势（对数几率）",
    "score of {label} minus score of {rival}": "{label} 的得分减去 {rival} 的得分",
    "probability of {label}": "{label} 的概率",
    "loss if {label} is the truth (negative values help)": "以 {label} 为真时的损失（负值表示有帮助）",
    "predicted value": "预测值",
    "predicted value of output {number}": "输出 {number} 的预测值",
    "squared error against {truth} (negative values help)": "相对于 {truth} 的平方误差（负值表示有帮助）",
    "what adaptation changed in the {phrase}": "适应过程所改变的部分：{phrase}",
    "number of support examples that must be removed before the answer changes": "回答改变前必须去掉的示例数",
    "number of support examples that must be relabelled before the answer changes": "回答改变前必须改标的示例数",
    "number of parts that must be exchanged before the answer changes": "回答改变前必须交换的部分数",
    "loss of the example itself: adapted without it, minus adapted with it": (
        "示例自身的损失：不用它适应时减去用它适应时"
    ),
    "cosine between places of the feature map": "特征图各位置之间的余弦",
    "step size (how far a gradient of 1 moves a parameter)": "步长（梯度为 1 时参数移动的距离）",
    "gates of the learned optimizer": "学到的优化器的门",
    "distance that parameters moved, as a share of their size": "参数移动的距离与其大小之比",
    "loss of the support": "支持集的损失",
    "minus the mean loss of {number} queries against the given answers": (
        "{number} 个样本相对于给定答案的平均损失的相反数"
    ),
    "minus the mean loss of {number} queries against the model's own answers": (
        "{number} 个样本相对于模型自身回答的平均损失的相反数"
    ),
    "mean score of {label} minus that of {rival}": "{label} 的平均得分减去 {rival} 的平均得分",
    "step {number}": "第 {number} 步",
    # what it is compared with
    "the un-adapted model": "适应前的模型",
    "no example at all": "没有任何示例",
    "the model before its first inner step": "第一个内循环步之前的模型",
    "the model before its first step": "第一步之前的模型",
    "the empty query (zeros)": "空白的新样本（全为零）",
    "the baseline query": "基准样本",
    "zeros": "零",
    "masked positions": "被遮住的位置",
    "no vote": "没有投票",
    "the answer as it is": "现在的回答",
    "two equal prototypes": "两个相同的原型",
    "the head before adaptation": "适应前的输出层",
    "what is the same for every place": "各位置共有的部分",
    "examples that all look like their mean": "全都等于其均值的示例",
    "examples with every part hidden": "所有部分都被遮住的示例",
    "the baseline in the examples' places": "用基准代替各示例",
    # questions
    "What is each support example worth, over all orders in which they could have arrived?": (
        "对示例到来的所有可能顺序取平均，每个示例值多少？"
    ),
    "What is each group of support examples worth, over all orders in which they could have arrived?": (
        "对示例到来的所有可能顺序取平均，每组示例值多少？"
    ),
    "How does the prediction change when one support example falls silent?": "一个示例不再起作用时，预测会怎样变化？",
    "How would the prediction change if one support example had never been given?": (
        "假如从未给过某个示例，预测会怎样变化？"
    ),
    "What does each support example add to a random half of the others?": (
        "在随机一半其余示例的基础上，每个示例增加了什么？"
    ),
    "Which support examples work together, and which say the same thing twice?": (
        "哪些示例相互配合，哪些重复了同样的信息？"
    ),
    "How fast does the prediction change as the weight of each support example changes?": (
        "每个示例的权重改变时，预测变化得有多快？"
    ),
    "How much of the way from the un-adapted to the adapted prediction is each support example's doing?": (
        "从适应前的预测到适应后的预测，每个示例各促成了多少？"
    ),
    "How much of the answer is each support example's vote?": "每个示例的投票在回答中占多少？",
    "How does each support example move the query towards one class and away from the other?": (
        "每个示例怎样把新样本拉向一个类别并推离另一个类别？"
    ),
    "Which channels of the embedding tell the two classes apart for this query?": (
        "对这个新样本，嵌入的哪些通道把两个类别区分开来？"
    ),
    "How much does each support example's own label weigh in the answer?": "每个示例自己的标签在回答中占多大份量？",
    "What did each support example write into the head, and how much of it does this query meet?": (
        "每个示例在输出层写下了什么，这个新样本又遇到其中多少？"
    ),
    "Where would a small change of the query change the prediction most?": "新样本的哪里稍有变化，对预测影响最大？",
    "What is each part of the query worth, over all orders in which they could have been uncovered?": (
        "在所有可能的揭开顺序中，新样本的每个部分平均值多少？"
    ),
    "the query with every part hidden": "所有部分都被遮住的新样本",
    "Which part of the query speaks for the answer, and which against it?": (
        "新样本的哪一部分支持这个回答，哪一部分反对？"
    ),
    "How does the prediction change when one patch of the query is hidden?": "遮住新样本的一小块，预测会怎样变化？",
    "Which part of the query does the adapted model judge differently from the un-adapted one?": (
        "新样本的哪一部分，适应后的模型与适应前的模型判断不同？"
    ),
    "Which parts of the query, taken from an example of the rival class, would change the answer?": (
        "新样本的哪些部分若换成对手类别示例的部分，回答就会改变？"
    ),
    "Which small real change of the query would change the answer?": "新样本的哪个真实的小改动会改变回答？",
    "Which part of which support example would change the prediction if it grew a little?": (
        "哪个示例的哪一部分稍微增大，预测就会改变？"
    ),
    "Which part of which support example speaks for the answer, and which against it?": (
        "哪个示例的哪一部分支持这个回答，哪一部分反对？"
    ),
    "How would the prediction change if one part of one support example had been hidden?": (
        "假如遮住某个示例的一部分，预测会怎样变化？"
    ),
    "Which part of the query speaks for the answer because of which part of which support example?": (
        "新样本的哪一部分因为哪个示例的哪一部分而支持这个回答？"
    ),
    "Which place of the query matched which place of which support example?": (
        "新样本的哪个位置与哪个示例的哪个位置相匹配？"
    ),
    "Which is the smallest set of support examples without which the answer would be another?": (
        "最少去掉哪些示例，回答就会不同？"
    ),
    "Which is the smallest set of support examples whose labels, were they others, would change the answer?": (
        "最少改动哪些示例的标签，回答就会改变？"
    ),
    "Which support example does the learner not believe unless it is told?": (
        "哪个示例的标签，如果不告诉学习器，它就不会相信？"
    ),
    "What did each step of adaptation do to the prediction?": "适应过程的每一步对预测做了什么？",
    "Which layers made the difference between the un-adapted and the adapted prediction?": (
        "适应前后预测的差别来自哪些层？"
    ),
    "Which support example moved the prediction, at which step, through which layer?": (
        "哪个示例在哪一步通过哪一层推动了预测？"
    ),
    "How much does the prediction owe to the meta-learned parameters of each module?": (
        "预测有多少来自各模块元学习得到的参数？"
    ),
    "How far did adaptation move the parameters of each layer, as a share of their size?": (
        "适应过程使各层参数移动了多远（相对于参数的大小）？"
    ),
    "How alike is what each layer makes of inputs before and after adaptation?": (
        "适应前后，每一层对输入的表示有多相似？"
    ),
    "Which way did adaptation take over the loss of the support?": "适应过程在支持集的损失面上走了哪条路？",
    "How large a step does the learner take in each layer, at each inner step?": (
        "学习器在每个内循环步、每一层走多大的步？"
    ),
    "How much of the parameters does each step keep, and how much of the gradient does it take?": (
        "每一步保留多少参数，采纳多少梯度？"
    ),
    "Where do the query and the support examples lie between the prototypes of the classes?": (
        "新样本和各示例处在各类别原型之间的什么位置？"
    ),
    "In which stretch of meta-training, and in which module, was this prediction learned?": (
        "这一预测是在元训练的哪一段、在哪个模块中学到的？"
    ),
    "the learner at step {number}": "元训练第 {number} 步时的学习器",
    "How far did the support set move the scales and shifts of each layer, as a share of their size?": (
        "支持集使每一层的缩放与平移参数移动了多远（与其大小之比）？"
    ),
    "How far did adaptation move the latent code of each class?": "适应过程使每个类别的隐编码移动了多远？",
    "If the prediction were a sum of one number for each support example, what would the numbers be?": (
        "假如预测是每个示例一个数的总和，这些数会是多少？"
    ),
    "Which few features of the query, added up, say what the adapted model says around it?": (
        "新样本的哪几个特征相加，就能说出适应后的模型在它附近的判断？"
    ),
    "Which few questions about the query lead to what the adapted model says around it?": (
        "关于新样本的哪几个问题，就能得出适应后的模型在它附近的判断？"
    ),
    "Which short list of rules, read from the top, leads to what the adapted model says around the query?": (
        "自上而下读的哪个简短规则列表，就能得出适应后的模型在新样本附近的判断？"
    ),
    "Which meta-training tasks are like this one, as this learner sees tasks?": (
        "在这个学习器看来，哪些元训练任务与本任务相似？"
    ),
    "How would this prediction change if a meta-training task had weighed a little less?": (
        "假如某个元训练任务的权重略小，预测会怎样变化？"
    ),
    "What would the prediction be, had the learner never met a meta-training task?": (
        "假如学习器从未见过某个元训练任务，预测会是多少？"
    ),
    "How much does each support example help the answers to all these queries together?": (
        "每个示例对所有这些样本的回答总共帮助多大？"
    ),
    "Which support examples made queries of {label} look like {rival}?": "哪些示例使 {label} 的样本看起来像 {rival}？",
}
