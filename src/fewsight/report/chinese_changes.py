"""What does the page say in Chinese of what would change the answer? As in `chinese.py`."""

from __future__ import annotations

CHANGES: dict[str, str] = {
    "change": "怎样会让它改变判断",
    "change_flip": "去掉“{name}”（“{label}”）后，模型不再认为“{answer}”的可能性超过一半。",
    "change_gone": "“{name}”是“{label}”唯一的示例：去掉它，这个类别就根本无法被选中。",
    "change_flip_none": "没有哪个示例能单独决定结果：去掉任何一个，回答仍是“{answer}”。",
    "change_largest": "去掉“{name}”影响最大：从 {before} 变为 {after}。",
    "change_stronger": "“{first}”与“{second}”相互加强：合在一起的作用大于各自之和（{value}）。",
    "change_overlap": "“{first}”与“{second}”相互重叠：合在一起的作用小于各自之和（{value}）。",
    "change_mixed": "“{first}”与“{second}”相互牵制：合在一起的作用与各自之和相差 {value}。",
    "change_removal": "要让回答变成“{answer}”，最少需要去掉这些示例：{examples}。",
    "change_relabelling": "要让回答变成“{answer}”，最少需要改动这些标签：{examples}。",
    "change_called": "“{name}”改标为“{label}”",
    "change_query_one": "只要从“{name}”换来 {count} 个部分，新样本就会被判断为“{answer}”。",
    "change_query_many": "只要从“{name}”换来 {count} 个部分，新样本就会被判断为“{answer}”。",
    "change_pair_one": "换上 {change}（交换 {count} 个部分），新样本就会被判断为“{answer}”：{text}。",
    "change_pair_many": "换上 {change}（交换 {count} 个部分），新样本就会被判断为“{answer}”：{text}。",
    "change_pair_none": "试过的 {count} 个真实的小改动都不能改变回答。",
    "change_pair_most": "在试过的所有真实小改动中，{change} 影响最大：{text}。",
    "pairs_note": "左：新样本，去掉的部分为蓝色；右：换上的部分为橙色。数值为“{target}”，目前为 {value}。",
    "pairs_line": "{change}：“{answer}”（{value}）",
    "pairs_exchange": "交换",
    "pairs_text": "改动后的样本",
    "pairs_size": "交换的部分数",
    "pairs_answer": "回答",
    "pairs_score": "数值",
    "pairs_donor": "取自",
    "pairs_likeness": "相似度",
}
