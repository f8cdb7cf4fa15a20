"""What do explanations note, and why was one left out? In Chinese, by the English phrase of `explain`."""

from __future__ import annotations

NOTES: dict[str, str] = {
    # notes
    "Exact: the adapted model answered all {number} queries with parts hidden.": (
        "精确：适应后的模型回答了全部 {number} 个遮住部分的新样本。"
    ),
    "Exact: adapted again on all {number} subsets.": "精确：在全部 {number} 个子集上重新适应。",
    "Estimated from {number} random orders of arrival.": "由 {number} 个随机的到来顺序估计。",
    "Intervals are 95 % over pairs of orders.": "区间为 95%，按成对的顺序计算。",
    "Intervals are 95 % over queries like these {number}.": "区间为 95%，针对与这 {number} 个相似的样本。",
    "{name}: class disappears with it, so it has no number": "{name}：其类别会随之消失，因此没有数值",
    "Banzhaf values need not add up; they are the steadiest ranking when F is noisy.": (
        "Banzhaf 值之和不必等于总变化；当 F 有噪声时，它给出的排序最稳定。"
    ),
    "Shapley-Taylor index of order 2: the diagonal is what an example does alone; a joint effect is split in half "
    "between (i, j) and (j, i); negative means redundant.": (
        "二阶 Shapley-Taylor 指数：对角线是示例单独的作用；共同作用由 （i， j） 与 （j， i） 各占一半；负值表示冗余。"
    ),
    "First order: it says what a small change of weight does; leave_one_out says what removal does.": (
        "一阶近似：它说明权重稍变时的影响；“去掉一个示例的影响”才说明去掉时的影响。"
    ),
    "Credit along one path, on which all examples arrive together; Shapley values average over all orders.": (
        "沿所有示例同时到来的一条路径分配；Shapley 值则对所有顺序取平均。"
    ),
    "The prediction jumps somewhere on the path, or bends too often for the time given: ReLU units that switch "
    "during adaptation do that, and no derivative sees a jump. Exact values by subsets are not affected.": (
        "预测在路径上某处发生跳变，或转折太多而时间不够：ReLU 单元在适应过程中切换时会这样，而导数看不到跳变。按子"
        "集计算的精确值不受影响。"
    ),
    "A readout, not an effect: see leave_one_out for what happens without an example.": (
        "这是读数而不是影响：没有某示例会怎样，请看“去掉一个示例的影响”。"
    ),
    "This additive split is one of many: only the prototype, the mean, is seen by the learner.": (
        "这种加性分解只是多种可能之一：学习器看到的只有原型，即均值。"
    ),
    "Channels of a learned embedding have no names; compare them across queries.": (
        "学到的嵌入的通道没有名称；可在不同样本之间比较。"
    ),
    "The weight of an example may be negative, and depends on which other examples are there.": (
        "示例的权重可能为负，并取决于还有哪些其他示例。"
    ),
    "Likeness times what the head had to learn from the example; an example it knew already adds little.": (
        "相似度乘以输出层必须从该示例学到的东西；已经认识的示例增加很少。"
    ),
    "A derivative at one point: it says nothing about what is large but flat there.": (
        "一个点上的导数：对于那里数值大但平坦的部分，它什么也没说。"
    ),
    "Relative to the baseline: a part that equals it gets 0, however telling its emptiness is.": (
        "相对于基准：与基准相同的部分得 0，哪怕它的空白很能说明问题。"
    ),
    "Each patch alone: two patches that say the same thing both look unimportant.": (
        "逐块单独计算：两块若包含同样的信息，看起来都不重要。"
    ),
    "Each part alone, adapting again: two parts that say the same thing both look unimportant.": (
        "逐部分单独遮住并重新适应：两部分若包含同样的信息，看起来都不重要。"
    ),
    "This learner is transductive: the explanation holds for the query alone, not for it among other queries.": (
        "该学习器是直推式的：解释只对单独的新样本成立，不适用于它与其他样本一起的情形。"
    ),
    "First order: input times slope at one point. Where an example could not be more like the query every slope is "
    "0; support_integrated_gradients adds up.": (
        "一阶近似：输入乘以一点处的斜率。当示例与新样本已相似到极点时，所有斜率为 0；积分梯度（“您的示例中每个部分"
        "的份额”）之和才是一致的。"
    ),
    "Relative to the baseline: a part that equals it gets 0. Labels stay: an example in the baseline's place still "
    "counts for its class.": ("相对于基准：与基准相同的部分得 0。标签保留：换成基准的示例仍计入其类别。"),
    "Likeness, not effect: places may be alike and not matter.": "这是相似而不是影响：相似的位置不一定重要。",
    "No exact split: {phrase}.": "没有精确分解：{phrase}。",
    "Exact: the target is the sum over all pairs of places, and what is the same for every place.": (
        "精确：目标等于所有位置对之和加上各位置共有的部分。"
    ),
    "What hiding both does beyond hiding each; 0 where either hides nothing of importance.": (
        "同时遮住两者超出分别遮住的作用；若其中之一没有遮住重要的东西，则为 0。"
    ),
    "A late step that undoes an early one is over-shooting: the rate is large for this task.": (
        "后面的步抵消前面的步是过冲：学习率对这项任务偏大。"
    ),
    "Exact: all {number} combinations of adapted and initial layers, without adapting again.": (
        "精确：计算了适应后与初始各层的全部 {number} 种组合，无需重新适应。"
    ),
    "Layers that adaptation leaves as they are have exactly 0.": "适应过程中没有变化的层恰好为 0。",
    "First order: what a small shrinking of the module would take away, through the whole adaptation.": (
        "一阶近似：模块略微缩小会减少多少，贯穿整个适应过程。"
    ),
    "A module followed by a normalisation owes nothing to its scale, so its value is near 0 though it matters.": (
        "后接归一化的模块与其尺度无关，因此虽然重要，数值也接近 0。"
    ),
    "How far a layer moved is not how much that mattered: see layer_swap.": (
        "一层移动得远不等于影响大：请看“每一层的份额”。"
    ),
    "The prediction jumps between checkpoints (ReLU units switch in adaptation).": (
        "预测在检查点之间有跳变（ReLU 单元在适应过程中切换）。"
    ),
    "Along straight lines between checkpoints: with more of them it comes nearer to how training went.": (
        "沿检查点之间的直线：检查点越多，越接近训练的实际过程。"
    ),
    "What the network was told in one forward pass; how much that mattered is another question.": (
        "这是网络在一次前向传播中被告知的内容；它有多重要是另一个问题。"
    ),
    "{layer} starts at 0, so its move has no relative size.": "{layer} 从 0 开始，因此没有相对的移动量。",
    "Only {number} inputs were compared, a rough estimate: give more queries.": (
        "只比较了 {number} 个输入，是粗略的估计。"
    ),
    "Not defined for a layer with too many features for so few inputs.": "某层特征太多而输入太少，因此无定义。",
    "1 means the same up to rotation and scale, 0 unrelated; chance does not push it up.": (
        "1 表示除旋转和尺度外相同，0 表示无关；不会因偶然而偏高。"
    ),
    "{number} of the step sizes are negative.": "{number} 的步长为负。",
    "Larger is faster, not more important: see layer_swap.": "步长大表示快，不表示更重要：请看“每一层的份额”。",
    "Gradient descent keeps 1 and takes the learning rate.": "梯度下降法的保留为 1，采纳为学习率。",
    "Before adaptation the codes lie {number} from their mean, on average: read the moves beside that.": (
        "适应前各编码与其均值的平均距离为 {number}：请对照它来看移动量。"
    ),
    "High values are suspects to look at: a rare but right example looks the same as a wrong label.": (
        "数值高的值得核对：罕见但正确的示例看起来与错误的标签一样。"
    ),
    "The answer becomes {label} with {number} removed: {names}.": "去掉 {number} 个示例，回答变为 {label}：{names}。",
    "The answer becomes {label} with {number} relabelled: {names}.": (
        "改动 {number} 个标签，回答变为 {label}：{names}。"
    ),
    "No set was found that changes the answer when removed and leaves every class an example.": (
        "没有找到去掉后能改变回答、又使每个类别至少留有一个示例的集合。"
    ),
    "No set was found that changes the answer when relabelled and leaves every class an example.": (
        "没有找到改标后能改变回答、又使每个类别至少留有一个示例的集合。"
    ),
    "No smaller set does: all were tried.": "更小的集合都不行：已全部试过。",
    "All were tried.": "已全部试过。",
    "With {number} of {size} parts from {name} ({parts}) the answer becomes {label}.": (
        "从 {name} 换来 {size} 个部分中的 {number} 个（{parts}），回答变为 {label}。"
    ),
    "Not even all parts of an example of {label} that help change the answer.": (
        "即使换上 {label} 某示例中所有有用的部分，回答也不会改变。"
    ),
    "Found by greedy search and cut down to what is needed: every exchanged part is, but another set may be smaller.": (
        "由贪心搜索得到并删减到必需：每个交换的部分都必需，但可能存在更小的集合。"
    ),
    "With {change} the answer becomes {label}: {text}. Parts exchanged: {number}.": (
        "换上 {change}，回答变为 {label}：{text}。交换的部分数：{number}。"
    ),
    "{number} of {size} variants change the answer.": "{size} 个改动样本中有 {number} 个改变了回答。",
    "None of {number} variants changes the answer; those that come nearest are reported.": (
        "{number} 个改动样本都没有改变回答；这里列出最接近的几个。"
    ),
    "The strongest change is {change}: {text}.": "影响最大的改动是 {change}：{text}。",
    "{number} larger exchanges were not tried.": "另有 {number} 个更大的交换没有尝试。",
    "What is put in comes from the support examples of {label} or from the query itself.": (
        "换上的部分来自 {label} 的示例或新样本自身。"
    ),
    "A variant is a question to the model: nobody may have made it or measured it.": (
        "改动样本只是向模型提出的问题：也许从未有人制得或测量过它。"
    ),
    "Sets of fewer than {number} were all tried, larger ones searched greedily.": (
        "少于 {number} 个的集合全部试过，更大的用贪心搜索。"
    ),
    "Least squares on {subsets} subsets of the support; every size of subset weighs the same.": (
        "对支持集的 {subsets} 个子集做最小二乘；各种大小的子集权重相同。"
    ),
    "Rule {number}: if {conditions}, then {value} ({size} of {bound} changed queries).": (
        "规则 {number}：若 {conditions}，则为 {value}（{bound} 个改动样本中的 {size} 个）。"
    ),
    "Rule {number}: else {value} ({size} of {bound} changed queries).": (
        "规则 {number}：否则为 {value}（{bound} 个改动样本中的 {size} 个）。"
    ),
    "No rule says more than the mean of all changed queries.": "没有任何规则比所有改动样本的均值说明得更多。",
    "The query itself is answered by rule {number} of {size}.": "新样本本身由 {size} 条规则中的第 {number} 条回答。",
    "Learned greedily, for {phrase}: another list may say it better or shorter.": (
        "由贪心方法学得，针对{phrase}：可能存在更好或更短的列表。"
    ),
    "queries whose numbers vary half as the support's do": "数值变化幅度为示例一半的样本",
    "queries with a random half of their parts hidden": "随机遮住一半部分的样本",
    "The queries have no labels: an example that helps here makes the model surer of what it answers, right or "
    "wrong.": ("这些样本没有标签：有帮助的示例会让模型对自己的回答更有把握，无论对错。"),
    "From sketches of gradients and of curvature: values that are close may change places.": (
        "由梯度和曲率的随机投影求得：相近的数值可能互换次序。"
    ),
    "An influence function: training that ended is taken for a penalty on the way it went.": (
        "影响函数：训练在此结束，相当于对所走路程的惩罚。"
    ),
    "Positive: having the task in meta-training raised the target. Only recorded tasks are players.": (
        "正值：元训练中有该任务使目标升高。只包括有记录的任务。"
    ),
    "Likeness, not effect: task_influence says what training on a task did to this prediction.": (
        "这是相似而不是影响：在某任务上训练对预测的影响，请看“抬高或压低这一回答的训练任务”。"
    ),
    # what bears on everything
    "The learner is transductive: queries influence each other, and this one was explained alone.": (
        "该学习器是直推式的：样本之间相互影响，而这里是单独解释的。"
    ),
    "This learner is transductive: queries influence each other, and each was asked alone.": (
        "该学习器是直推式的：样本之间相互影响，而这里是逐个单独询问的。"
    ),
    "Predictions of this learner depend on the order in which the classes are listed; this is one order.": (
        "该学习器的预测取决于类别的排列顺序；这里只是其中一种顺序。"
    ),
    "Answers depend on the order in which the classes are listed; this is one order.": (
        "回答取决于类别的排列顺序；这里只是其中一种顺序。"
    ),
    "Predictions of this learner depend on the order of the support examples; this is one order.": (
        "该学习器的预测取决于示例的排列顺序；这里只是其中一种顺序。"
    ),
    "Answers depend on the order of the support examples; this is one order.": (
        "回答取决于示例的排列顺序；这里只是其中一种顺序。"
    ),
    "The prediction is saturated (above {number}): probabilities hardly move, so read margins.": (
        "预测已饱和（高于 {number}）：概率几乎不再变化，请看优势（对数几率）。"
    ),
    "support: {phrase}": "示例：{phrase}",
    "query: {phrase}": "新样本：{phrase}",
    # why something was left out
    "the learner does not answer by attention": "该学习器不用注意力作答",
    "the learner has no prototypes": "该学习器没有原型",
    "{learner} has no prototypes": "{learner} 没有原型",
    "the record of meta-training holds one moment only, and no way leads to it": (
        "元训练的记录只有一个时刻，没有通向它的路径"
    ),
    "goes back through meta-training: ask for it by name": "要回溯整个元训练：请按名称请求",
    "{learner} tells its network nothing about the task (FiLM does)": (
        "{learner} 不告诉其网络关于任务的任何信息（FiLM 会）"
    ),
    "{learner} has no latent codes": "{learner} 没有隐编码",
    "{learner} does not adapt parameters step by step": "{learner} 不是逐步适应参数的",
    "the scores of {learner} are no sum of inner products": "{learner} 的得分不是内积之和",
    "the learner's head is not a kernel regression": "该学习器的输出层不是核回归",
    "the head of {learner} is not a kernel regression": "{learner} 的输出层不是核回归",
    "prototypes say it in terms of the classes": "“在所属类别平均中的份额”已按类别说明",
    "the inner optimizer of this learner has no gates": "该学习器的内循环优化器没有门",
    "the steps of this inner optimizer are not step sizes times gradients (momentum, Adam or a learned rule)": (
        "该内循环优化器的步不是步长乘以梯度（动量、Adam 或学到的规则）"
    ),
    "the steps of this learner's inner optimizer are not linear in the gradients, so examples do not add up": (
        "该学习器内循环优化器的步对梯度不是线性的，因此示例不能相加"
    ),
    "this learner takes no inner step (inner_steps=0), so its parameters do not move": (
        "该学习器没有内循环步（inner_steps=0），参数不会移动"
    ),
    "the network has no feature map with places: use correspondence_occlusion": "该网络没有带位置的特征图",
    "the features are neither the flattened nor the averaged last feature map": (
        "特征既不是展平的、也不是平均的最后一层特征图"
    ),
    "{number} examples have 2^{size} subsets, more than 2^{bound}": (
        "{number} 个示例有 2^{size} 个子集，多于 2^{bound} 个"
    ),
    "every example is the only one of its class, and the class disappears with it": (
        "每个示例都是其类别中唯一的一个，去掉它类别就消失了"
    ),
    "a regression task has no answer that flips": "回归任务没有会翻转的回答",
    "a regression task has no classes": "回归任务没有类别",
    "made for more than {number} examples in at most {bound} classes": (
        "只用于多于 {number} 个示例、至多 {bound} 个类别的情形"
    ),
    "the learner's meta-training was not recorded (train with record=8)": "学习器的元训练没有记录（训练时加 record=8）",
    "the meta-training tasks are not at hand": "元训练任务不在手边",
    "no groups of support examples were given (groups=)": "没有给出示例的分组（groups=）",
    "a sum over support examples needs a linear head that adapts alone (ANIL)": (
        "写成对示例的求和，需要只有线性输出层在适应（ANIL）"
    ),
    "a sum over support examples needs one step size for all features, not one for each": (
        "写成对示例的求和，需要所有特征共用一个步长，而不是各有一个"
    ),
    "prototypes split a contrast of two classes: give target=('contrast', class, other class)": (
        "原型分解的是两个类别之差"
    ),
    "scores are split, and {phrase} is not linear in them: give target=('contrast', class, other class)": (
        "被分解的是得分，而“{phrase}”对得分不是线性的"
    ),
    "{phrase} is not defined once a class has lost all its examples: use the target 'probability', or drop=True": (
        "一个类别失去所有示例后，“{phrase}”无定义"
    ),
    "the nodes of a graph cannot be exchanged one by one: their edges would not fit": (
        "图的节点不能逐个交换：边会对不上"
    ),
    "no small real changes of this kind of input are known (for molecules they are)": (
        "对这类输入没有已知的真实小改动（分子才有）"
    ),
    "the molecule has no acyclic single bond at a carbon that could be cut": "该分子在碳原子上没有可断开的非环单键",
    "the molecule has {number} atoms, of which the model sees {size}: a change may not show": (
        "该分子有 {number} 个原子，模型只看到其中 {size} 个：改动可能看不出来"
    ),
    "no substituent of the support molecules gives another molecule when put in": (
        "换上示例分子的任何取代基都得不到另一个分子"
    ),
    "the query has no floating-point numbers to attribute to (only whole numbers such as token ids): ask which "
    "support examples decided instead": ("新样本没有可以归因的浮点数（只有整数，例如词元编号）"),
    "a picture of the task, not of this prediction: ask for it by name": "这是任务的图，不是这次预测的图：需按名称指定",
    "says most in features that people read: ask for it by name": "特征为人可读时最有意义：需按名称指定",
    "close to shapley, and does not add up": "与“每个示例的公平份额”接近，且总和不一致",
    "integrated_gradients adds up too, and is finer": "积分梯度的总和同样一致，而且更细",
    "a derivative at one point; integrated_gradients adds up": "一个点上的导数；积分梯度的总和才一致",
    "a slope at one point; support_integrated_gradients adds up": "一个点上的斜率；积分梯度的总和才一致",
    "adapts again for every part of every example": "需要为每个示例的每个部分重新适应",
    "the finest split there is, and the slowest: ask for it by name": "最细也最慢的分解：需按名称指定",
    "likeness, not effect": "是相似而不是影响",
    "slow: ask for it by name": "较慢：需按名称指定",
    "exact for quadratic meta-losses only": "只对二次的元损失精确",
    "no time left of budget_seconds": "时间预算（budget_seconds）已用完",
    "stopped: it took its whole share of budget_seconds": "已中止：用完了它在时间预算（budget_seconds）中的份额",
    "would take about {number} s, more than its share of budget_seconds": (
        "约需 {number} 秒，超过它在时间预算（budget_seconds）中的份额"
    ),
}
