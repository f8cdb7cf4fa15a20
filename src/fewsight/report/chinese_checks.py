"""What are the checks of explanations called, and what do they mean? In Chinese, by the English phrase of `explain`."""

from __future__ import annotations

CHECKS: dict[str, str] = {
    # what the checks are called
    "{phrase}: {number}": "{phrase}：{number}",
    "rank correlation with {phrase}": "与“{phrase}”的秩相关",
    "exact leave-one-out (drop)": "精确留一法（示例不再起作用）",
    "exact leave-one-out (renormalise)": "精确留一法（从未给过示例）",
    "exact Shapley values": "精确 Shapley 值",
    "infidelity": "不忠实度（infidelity）",
    "mean squared error of what the values say is lost when players go together, as a share of the mean square of what "
    "is lost: 0 is exact, 1 no better than saying that nothing matters": (
        "若干参与者一起去掉时，数值所说的损失与实际损失之间的均方误差，占实际损失均方的比例："
        "0 为精确，1 相当于说什么都不重要"
    ),
    "closed-form leave-one-out against adapting again": "闭式留一法与重新适应之差",
    "linear datamodelling score over all subsets": "所有子集上的线性数据建模得分",
    "deletion of {phrase} against random order": "删除曲线（{phrase}），与随机顺序相比",
    "insertion of {phrase} against random order": "插入曲线（{phrase}），与随机顺序相比",
    "support examples": "示例",
    "parts of the query": "新样本的各部分",
    "control: {phrase}": "对照：{phrase}",
    "meta-learned parameters shuffled": "打乱元学习得到的参数",
    "adaptation skipped": "跳过适应过程",
    "support labels shuffled": "打乱示例的标签",
    "validity": "有效性",
    "proximity": "接近度",
    "sparsity": "稀疏度",
    "held-out R2": "留出数据上的 R2",
    "held-out R2 of one rule": "只用一条规则时留出数据上的 R2",
    "held-out agreement": "留出数据上的一致率",
    "residual of the linear system": "线性方程组的残差",
    "slope left at the optimum without a task, relative to that task's": (
        "去掉某任务后的最优点处剩余的斜率（相对于该任务）"
    ),
    # what the checks mean
    "whether it ranks the support examples like {phrase}, which adapts again without them": (
        "它对示例的排序是否与“{phrase}”一致，后者去掉示例重新适应"
    ),
    "{number} left out, whose class disappears with them": "{number} 个示例除外，因为其类别会随之消失",
    "not defined: fewer than {number} examples to compare, or all alike": (
        "无定义：可比较的示例少于 {number} 个，或全都相同"
    ),
    "not defined: fewer than {number} {phrase}, or nothing changes": "无定义：{phrase}少于 {number} 个，或没有任何变化",
    "not defined: too few values to compare, or all alike": "无定义：可比较的数值太少，或全都相同",
    "not defined: F does not vary": "无定义：F 没有变化",
    "whether adding up the values of a subset ranks all subsets as adapting to them does: if it is low, no sum of "
    "single contributions tells the whole story": (
        "把一个子集中的数值相加，对所有子集的排序是否与实际适应的结果一致：如果得分低，说明单个贡献之和不能反映全貌"
    ),
    "how much sooner than at random the prediction falls as {phrase} go, the most supportive first": (
        "从最支持的开始去掉{phrase}，预测比随机去掉时下降得早多少"
    ),
    "how much sooner than at random the prediction rises as {phrase} come, the most supportive first": (
        "从最支持的开始加入{phrase}，预测比随机加入时上升得早多少"
    ),
    "rank correlation with the same explanation after: {phrase}": "与下列处理后的同一解释的秩相关：{phrase}",
    "near 1 it would not depend on that": "若接近 1，说明解释与此无关",
    "undecided: the interval is too wide": "无法判定：区间太宽",
    "here every value became 0": "此处所有数值都变为 0",
    "largest difference": "最大差异",
    "the closed form holds where an example's embedding does not depend on the other examples": (
        "当示例的嵌入不依赖其他示例时，闭式成立"
    ),
    "the closed form holds where an example's embedding does not depend on the other examples, which it does here, "
    "so leave_one_out is the one to read": (
        "当示例的嵌入不依赖其他示例时，闭式才成立；此处不成立，请看“去掉一个示例的影响”"
    ),
    "1 if the model answers otherwise for the changed query": "对改动后的样本，模型回答不同则为 1",
    "share of the query's size left unchanged": "新样本（按大小计）保持不变的比例",
    "variants that can exist": "能够存在的改动样本",
    "share of those made that are whole inputs (molecules: read, sanitised, valences kept)": (
        "所生成的改动样本中完整有效者所占比例（分子：可读取、可规范化、化合价正确）"
    ),
    "likeness to the query, 1 for the same (molecules: Tanimoto's)": (
        "与新样本的相似度，相同为 1（分子：Tanimoto 系数）"
    ),
    "share of parts left unchanged": "保持不变的部分所占比例",
    "variance of F over {subsets} subsets that a sum over examples explains, on subsets it was not fitted to": (
        "在未用于拟合的子集上，对示例求和所能解释的 F 的方差（共 {subsets} 个子集）"
    ),
    "if it is low, no additive explanation tells the whole story": "如果数值低，任何加性解释都不能反映全貌",
    "variance of F around the query that the surrogate explains, on changed queries it was not fitted to": (
        "在未用于拟合的改动样本上，代理模型所能解释的 F 在新样本附近的方差"
    ),
    "the same for a list of one rule: what the other rules add is the difference": (
        "只含一条规则的列表的同一指标：两者之差就是其余规则的贡献"
    ),
    "share of changed queries for which the rules and the model are on the same side of 0": (
        "规则与模型位于 0 的同一侧的改动样本所占比例"
    ),
    "saying the same of all would reach {number}": "对所有样本都给出同一说法可达 {number}",
    "How far the conjugate gradients were from the solution when they stopped.": "共轭梯度法停止时离解还有多远。",
    "0 where one Newton step is the same as training again without the task.": (
        "若一个牛顿步与去掉该任务重新训练等价，则为 0。"
    ),
}
