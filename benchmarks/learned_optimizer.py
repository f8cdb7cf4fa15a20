"""Does a learned optimizer beat tuned hand-made ones on problems it has not seen?

    python benchmarks/learned_optimizer.py [--episodes 1000] [--write benchmarks/learned_optimizer.md]

Ten-dimensional quadratics (Andrychowicz et al. 2016, section 3.1), 100 steps, mean final loss with 95 % interval over
unseen problems. Learning rates of the others are the best of a grid on problems of the validation seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from fewsight.inner import CoordinateLSTM, named
from fewsight.training.learned_optimizer import Problems, quadratics, train_optimizer, trajectory

GRID = [10 ** (k / 4) for k in range(-14, 3)]
VALIDATION, TEST = 1_000_000, 2_000_000
STEPS = 100


def final(optimizer: object, problems: Problems) -> Tensor:
    with torch.no_grad():
        *_, last = trajectory(optimizer, problems, STEPS)  # type: ignore[arg-type]
    return last.nan_to_num(torch.inf, torch.inf)


def problems(seed: int, batch: int) -> Problems:
    return quadratics(batch=batch)(torch.Generator().manual_seed(seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--write", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    learned = CoordinateLSTM(0.1)

    def say(episode: int, loss: float) -> None:
        if episode % 50 == 0:
            print(f"episode {episode}: final loss {loss:.3f}", flush=True)

    train_optimizer(learned, quadratics(), episodes=arguments.episodes, lr=3e-3, on_episode=say)
    test, rows = problems(TEST, 500), []
    rows.append(("learned (two LSTM layers of 20)", "0.1", final(learned, test)))
    for name in ("sgd", "momentum", "nesterov", "rmsprop", "adam"):
        scores = {rate: float(final(named(name, rate), problems(VALIDATION, 200)).mean()) for rate in GRID}
        best = min(scores, key=lambda rate: scores[rate])
        rows.append((name, f"{best:.2g}", final(named(name, best), test)))
    lines = [
        f"Quadratics of 10 dimensions, {STEPS} steps, 500 unseen problems; the learned optimizer saw "
        f"{arguments.episodes} batches of 64 problems; learning rates tuned on 200 validation problems.",
        "",
        "| optimizer | learning rate | mean final loss | median |",
        "|---|---:|---:|---:|",
    ]
    for name, rate, losses in rows:
        interval = 1.96 * float(losses.std()) / len(losses) ** 0.5
        lines.append(
            f"| {name} | {rate} | {float(losses.mean()):.3f} ± {interval:.3f} | {float(losses.median()):.3f} |"
        )
    print("\n".join(lines))
    if arguments.write:
        arguments.write.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
