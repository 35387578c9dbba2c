"""Errors of grove and its peers on California housing and generated problems, paired over the same splits.
usage: accuracy.py GROVE [CSV] [--seeds N] [--rows N]
Boosting is told which columns are categories (CATEGORIES); scikit-learn's trees and forests can't be, grove's are.
Passes if no model's error is more than 2 standard errors of the differences, or 1 %, above the best peer's."""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"  # scikit-learn's boosting takes all there are; read when it is loaded

import numpy as np
from sklearn.datasets import make_friedman1, make_friedman2, make_friedman3
from sklearn.model_selection import train_test_split

from train_peer import boosting, model


CATEGORIES = {"many_categories": [0], "few_categories": [0, 1, 2, 3]}


def problems(rows, path):
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (rows, 8))
    for name, make in (("friedman1", make_friedman1), ("friedman2", make_friedman2), ("friedman3", make_friedman3)):
        a, y = make(rows, noise=1.0 if name == "friedman1" else 0.1, random_state=1)
        yield name, a, y / y.std()
    yield "piecewise", x, np.floor(3 * x[:, 0]) + 2 * (x[:, 1] > 0.2) * (x[:, 2] < 0) + rng.normal(0, 0.3, rows)
    yield "interactions", x, x[:, 0] * x[:, 1] + 2 * x[:, 2] * x[:, 3] * x[:, 4] + rng.normal(0, 0.1, rows)
    yield "heavy_tails", x, np.sin(3 * x[:, 0]) + x[:, 1] ** 2 + 0.1 * np.clip(rng.standard_t(2, rows), -50, 50)
    codes = rng.integers(0, 200, rows)
    y = rng.normal(0, 1, 200)[codes] + x[:, 0] + rng.normal(0, 0.3, rows)
    yield "many_categories", np.column_stack([codes, x]), y
    few = rng.integers(0, 12, (rows, 4))
    y = (few[:, 0] * 7 % 12) * 0.3 + (few[:, 1] * 5 % 12 > 5) * (few[:, 2] * 7 % 12 > 5) + x[:, 0] + rng.normal(0, 0.5, rows)
    yield "few_categories", np.column_stack([few, x]), y
    holes = np.where(rng.random(x.shape) < 0.3, np.nan, x)
    yield "missing", holes, np.sin(2 * x[:, 0]) + np.where(np.isnan(holes[:, 1]), 1, x[:, 1]) + rng.normal(0, 0.2, rows)
    if path:
        with open(path, newline="") as f:
            table = np.array(list(csv.reader(f))[1:], dtype=np.float64)
        yield "california_housing", table[:, :-1], table[:, -1]


def grove_errors(exe, path, seed, categories):
    wishes = {
        "decision_tree": ["decision_tree"],
        "random_forest": ["random_forest"],
        "gradient_boosting": ["gradient_boosting", "min_data_in_leaf=20"],
        "gradient_boosting_leafwise": [
            "gradient_boosting", "min_data_in_leaf=20", "max_leaves=31", "max_depth=none", "eta=0.1",
        ],
    }
    errors = {}
    for name, (kind, *sets) in wishes.items():
        command = [exe, "train", "--data", path, "--model", kind, "--seed", str(seed), "--quiet", "--json"]
        for one in sets:
            command += ["--set", f"{kind}.{one}"]
        for one in categories:
            command += ["--categorical", f"x{one}"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        errors[name] = json.loads(said)["models"][0]["mse"]
    return errors


def peer_errors(x, y, seed, categories):
    a, b, c, d = train_test_split(x, y, test_size=0.2, random_state=seed)
    n = x.shape[1]

    def error(who, m):
        more = {"categorical_feature": categories} if who == "lightgbm" and categories else {}
        return float(np.mean((m.fit(a, c, **more).predict(b) - d) ** 2))

    makers = {
        "decision_tree": {"sklearn": lambda: model("sklearn", "decision_tree", seed, 1)},
        "random_forest": {"sklearn": lambda: model("sklearn", "random_forest", seed, 1)},
        "gradient_boosting": {
            p: lambda p=p: boosting(p, seed, 1, 150, 0.3, 10, None, categories, n) for p in ("sklearn", "xgboost", "lightgbm")
        },
        "gradient_boosting_leafwise": {
            p: lambda p=p: boosting(p, seed, 1, 150, 0.1, None, 31, categories, n) for p in ("sklearn", "xgboost", "lightgbm")
        },
    }
    return {
        name: {who: error(who, make()) for who, make in peers.items()}
        for name, peers in makers.items()
    }


def judge(problem, name, own, others):
    """own: by seed; others: {peer: by seed}. True: good enough."""
    own, best = np.array(own), min(others, key=lambda who: np.mean(others[who]))
    theirs = np.array(others[best])
    d = own - theirs
    error = np.std(d, ddof=1) / len(d) ** 0.5
    good = d.mean() <= max(2 * error, 0.01 * theirs.mean())
    print(f"{problem:20} {name:28} {own.mean():10.5f} {best:9} {theirs.mean():10.5f} "
          f"{d.mean():+10.5f} +- {error:.5f} {'' if good else 'WORSE'}", flush=True)
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("grove")
    p.add_argument("csv", nargs="?")
    p.add_argument("--seeds", type=int, default=10)
    p.add_argument("--rows", type=int, default=3000)
    p.add_argument("--problem", action="append", help="one of them; may be given several times")
    o = p.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for problem, x, y in problems(o.rows, o.csv):
            if o.problem and problem not in o.problem:
                continue
            x = x.astype(np.float32).astype(np.float64)
            path = os.path.join(folder, "data.csv")
            with open(path, "w", newline="") as f:
                out = csv.writer(f)
                out.writerow([f"x{i}" for i in range(x.shape[1])] + ["y"])
                for row, target in zip(x.tolist(), y.tolist()):
                    out.writerow(["" if v != v else repr(v) for v in row] + [repr(target)])
            own, others = {}, {}
            for seed in range(o.seeds):
                categories = CATEGORIES.get(problem, [])
                for name, e in grove_errors(o.grove, path, seed, categories).items():
                    own.setdefault(name, []).append(e)
                for name, peers in peer_errors(x, y, seed, categories).items():
                    for who, e in peers.items():
                        others.setdefault(name, {}).setdefault(who, []).append(e)
            for name in own:
                good = judge(problem, name, own[name], others[name]) and good
    return 0 if good else 1


sys.exit(main())
