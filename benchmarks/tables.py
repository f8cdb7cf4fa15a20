"""What do the tables of trained runs share? Their arguments, and means printed with half of their 95 % interval."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fewsight.explain.statistics import mean_interval


def plus_minus(samples: np.ndarray, digits: int) -> str:
    """ "0.95 ± 0.02"; the mean alone where there is no interval, "-" where there is no mean."""
    mean, interval = mean_interval(samples)
    if np.isnan(mean):
        return "-"
    return f"{mean:.{digits}f}" + ("" if interval is None else f" ± {mean - interval[0]:.{digits}f}")


def runs_parser(description: str | None, tasks: int) -> argparse.ArgumentParser:
    """Reads the runs to measure, where their data is, on how many `tasks`, and where the table goes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, help="data directory (default: $FEWSIGHT_DATA)")
    parser.add_argument("--tasks", type=int, default=tasks)
    parser.add_argument("--write", type=Path, help="write the table to this file")
    return parser
