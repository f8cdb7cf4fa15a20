"""What is wrong with an input, and what was done to one? In Chinese, by the English phrase of `domains`."""

INPUTS = {
    # images
    "{name} is not an image ({formats}): remove it or convert it to PNG": (
        "{name} 不是图像（可读取 {formats}）：请去掉它，或转换为 PNG"
    ),
    "{name} cannot be read as an image ({detail}): replace it by a sound copy": (
        "{name} 无法作为图像读取（{detail}）：请换成完好的副本"
    ),
    "{name} is too large ({number} x {side} pixels): at most {most} million pixels and {longest} a side are decoded; "
    "scale it down": "{name} 太大（{number} × {side} 像素）：最多 {most} 百万像素、每边 {longest} 像素；请缩小",
    "{name} is too large (far too many pixels): at most {most} million pixels and {longest} a side are decoded; "
    "scale it down": "{name} 太大（像素过多）：最多 {most} 百万像素、每边 {longest} 像素；请缩小",
    "{name} has grey values outside 0 to {number}: convert it to 8 or 16 bits": (
        "{name} 的灰度值超出 0 到 {number}：请转换为 8 位或 16 位"
    ),
    "{number} of {size} images were inverted (dark on light, while this model expects light strokes on a dark "
    "background)": "{size} 张图像中有 {number} 张已反色（图像为浅底深色，而该模型要求深底浅色）",
    "{number} of {size} images were inverted (as asked)": "{size} 张图像中有 {number} 张已按要求反色",
    # texts
    "{name} has no word to go by (it is empty): give a text with letters or digits": (
        "{name} 是空的，没有可读的词：请给出含有字母或数字的文本"
    ),
    "{name} has no word to go by ({excerpt}): give a text with letters or digits": (
        "{name} 没有可读的词（{excerpt}）：请给出含有字母或数字的文本"
    ),
    "{number} of {size} texts were cut after {length} tokens ({name} first)": (
        "{size} 条文本中有 {number} 条在第 {length} 个词元后截断（首先是 {name}）"
    ),
    "{number} of {size} texts repeat another one": "{size} 条文本中有 {number} 条与另一条重复",
    # molecules
    "{name} has no SMILES: fill it in, or remove it": "{name} 没有 SMILES：请填写，或去掉它",
    "{name}: {smiles} has {number} characters, at most {most} are read": (
        "{name}：{smiles} 有 {number} 个字符，最多读取 {most} 个"
    ),
    "{name}: {smiles} holds more than a SMILES: give {first} alone": (
        "{name}：{smiles} 不只是一个 SMILES：请只给出 {first}"
    ),
    "{name}: {smiles} is not a molecule that RDKit can read: correct it, or remove it": (
        "{name}：{smiles} 不是 RDKit 能读取的分子：请改正，或去掉它"
    ),
    "{name}: {smiles} has an atom that is not named (*): only whole molecules can be read": (
        "{name}：{smiles} 含有未指明的原子（*）：只能读取完整的分子"
    ),
    "{name}: {smiles} cannot be standardised ({detail})": "{name}：{smiles} 无法标准化（{detail}）",
    "{name}: its largest fragment was taken": "{name}：取其最大的片段",
    "{name}: it was made neutral": "{name}：已中和电荷",
    "{name}: its largest fragment was taken and it was made neutral": "{name}：取其最大的片段，并已中和电荷",
    "{name} has {number} atoms: the model sees the first {most}": "{name} 有 {number} 个原子：模型只看前 {most} 个",
    "{name} is the same molecule as {other}": "{name} 与 {other} 是同一个分子",
    # rows
    "{name}: none of the columns this model knows is there ({columns}...): name the columns as in its training data": (
        "{name}：没有该模型认识的列（{columns}……）：请按训练数据命名各列"
    ),
    "{name}, column {column}: {value} is not a number: write one, or leave the cell empty where it is missing": (
        "{name}，列 {column}：{value} 不是数字：请写一个数字，缺失时留空"
    ),
    "{name}, column {column}: {number} is too large to be meant: correct it": (
        "{name}，列 {column}：{number} 大得不合理：请改正"
    ),
    "there are {number} columns, but this model takes {most}: leave some out": (
        "共有 {number} 列，而该模型最多接受 {most} 列：请去掉一些"
    ),
    "column {column} is not there: its values count as missing": "没有列 {column}：其值视为缺失",
    "column {column}: {value} was not among the levels known ({number} of {size} rows): counts as missing": (
        "列 {column}：{value} 不在已知的取值之中（{size} 行中有 {number} 行）：视为缺失"
    ),
    "columns this model does not know were left out: {columns}": "已略去该模型不认识的列：{columns}",
    "{name}, column {column}: {number} is far from what the model knows and counts as {bound}": (
        "{name}，列 {column}：{number} 远离该模型所知的范围，按 {bound} 计"
    ),
    "and {number} more such values": "另有 {number} 个这样的值",
    # tables
    "support: {phrase}": "示例：{phrase}",
    "query: {phrase}": "新样本：{phrase}",
    "column {name} was taken for the input": "列 {name} 被当作输入",
    "column {name} was taken for the label": "列 {name} 被当作标签",
    "column {name} was taken for the task": "列 {name} 被当作任务",
    "column {name} was taken for the split": "列 {name} 被当作划分",
    "column {name} was taken for the group": "列 {name} 被当作组别",
    # inputs that come twice, and how near a molecule is
    "the query is one of your examples too ({name}): this answer is no test": (
        "新样本也是您的示例之一（{name}）：这个回答不能算作检验"
    ),
    "{number} of {size} queries are your examples too ({name} first): answers to them are no test": (
        "{size} 个新样本中有 {number} 个也是您的示例（首先是 {name}）：对它们的回答不能算作检验"
    ),
    "{name} is the same as {other} but labelled otherwise ({number} of this kind): check the labels": (
        "{name} 与 {other} 相同而标签不同（此类共 {number} 个）：请核对标签"
    ),
    "{name}: This molecule is unlike all of the support (at most {number} alike): take the answer as a guess.": (
        "{name}：该分子与所有示例都不相似（最高相似度 {number}）：请把回答当作猜测。"
    ),
    "This molecule resembles {name} (Tanimoto similarity {number}).": (
        "该分子与 {name} 相似（Tanimoto 相似度 {number}）。"
    ),
    "No support molecule is close to this one: the nearest, {name}, is {number} alike.": (
        "没有与该分子相近的示例：最近的是 {name}，相似度 {number}。"
    ),
    "This molecule is unlike all of the support (at most {number} alike): take the answer as a guess.": (
        "该分子与所有示例都不相似（最高相似度 {number}）：请把回答当作猜测。"
    ),
    # simple methods
    "nearest neighbour on raw inputs": "最近邻（原始输入）",
    "nearest neighbour on the row": "最近邻（表格行）",
    "nearest neighbour on TF-IDF": "最近邻（TF-IDF）",
    "logistic regression on raw inputs": "逻辑回归（原始输入）",
    "logistic regression on the row": "逻辑回归（表格行）",
    "logistic regression on TF-IDF": "逻辑回归（TF-IDF）",
    "logistic regression on fingerprints": "逻辑回归（指纹）",
    "logistic regression on descriptors": "逻辑回归（描述符）",
    "random forest on fingerprints": "随机森林（指纹）",
    "random forest on the row": "随机森林（表格行）",
    "centroid on TF-IDF": "类中心（TF-IDF）",
    "most similar molecule": "最相似的分子",
    "mean of the support": "示例的均值",
    "ridge regression on raw inputs": "岭回归（原始输入）",
    "ridge regression on the row": "岭回归（表格行）",
    "ridge regression on fingerprints": "岭回归（指纹）",
    # what the learner cannot learn, or the prediction cannot bear
    "this learner's fixed head has {number} ways but the task has {ways}: give at most {most} classes, or train with "
    "head='shared', which takes any number": (
        "该学习器的输出层固定为 {number} 类，而任务有 {ways} 类：请最多给出 {most} 类"
    ),
    "the prediction is not finite (NaN or infinity): check the query and the support for NaN": (
        "预测值不是有限的数（NaN 或无穷）：请检查新样本和示例中有无 NaN"
    ),
    "an answer is not finite (NaN or infinity): check queries and support for NaN": (
        "有一个回答不是有限的数（NaN 或无穷）：请检查新样本和示例中有无 NaN"
    ),
    "{learner} learns classification, not regression": "{learner} 学习分类，不学习数值",
    "{learner} learns regression, not classification": "{learner} 学习数值，不学习分类",
}
