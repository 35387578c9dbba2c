"""One peer at the settings of bench/train.sh. usage: train_peer.py PEER CSV THREADS | PEER LARGE THREADS ROWS"""
import csv
import os
import resource
import subprocess
import sys
import time

import numpy as np
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

NAMES = {
    "sklearn": ["decision_tree", "random_forest", "gradient_boosting", "gradient_boosting_leafwise", "linear"],
    "xgboost": ["gradient_boosting", "gradient_boosting_leafwise"],
    "lightgbm": ["gradient_boosting", "gradient_boosting_leafwise"],
}
LARGE = {"sklearn": ["large_gbt", "large_forest"], "xgboost": ["large_gbt"], "lightgbm": ["large_gbt"]}


def boosting(peer, seed, threads, trees, eta, depth, leaves, categories=(), features=0):
    """Both penalties and sizes said in each library's words: 20 rows a leaf, lambda 1. `categories`: columns of them
    (LightGBM takes them in fit)."""
    if peer == "sklearn":
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            max_iter=trees, max_depth=depth, max_leaf_nodes=leaves, learning_rate=eta, min_samples_leaf=20,
            l2_regularization=1, early_stopping=False, random_state=seed, categorical_features=list(categories) or None,
        )
    if peer == "xgboost":
        import xgboost

        kinds = {"enable_categorical": True, "feature_types": ["c" if i in categories else "q" for i in range(features)]}
        policy = {"grow_policy": "lossguide", "max_leaves": leaves, "max_depth": 0} if leaves else {"max_depth": depth}
        return xgboost.XGBRegressor(
            n_estimators=trees, learning_rate=eta, min_child_weight=20, reg_lambda=1, max_bin=255, n_jobs=threads,
            random_state=seed, **policy, **(kinds if categories else {}),
        )
    import lightgbm

    return lightgbm.LGBMRegressor(
        n_estimators=trees, max_depth=depth or -1, num_leaves=leaves or 1023, learning_rate=eta, min_child_samples=20,
        reg_lambda=1, n_jobs=threads, random_state=seed, verbose=-1,
    )


def model(peer, name, seed, threads):
    if name == "gradient_boosting":
        return boosting(peer, seed, threads, 150, 0.3, 10, None)
    if name == "gradient_boosting_leafwise":
        return boosting(peer, seed, threads, 150, 0.1, None, 31)
    if name == "large_gbt":
        return boosting(peer, seed, threads, 100, 0.1, None, 255)
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.tree import DecisionTreeRegressor

    return {
        "decision_tree": lambda: DecisionTreeRegressor(max_depth=15, random_state=seed),
        "random_forest": lambda: RandomForestRegressor(n_estimators=150, n_jobs=threads, random_state=seed),
        "large_forest": lambda: RandomForestRegressor(
            n_estimators=10, max_features=0.33, n_jobs=threads, random_state=seed
        ),
        "linear": LinearRegression,
    }[name]()


def fit(m, x_train, y_train, x_test, y_test):
    begin = time.perf_counter()
    m.fit(x_train, y_train)
    seconds = time.perf_counter() - begin
    return seconds, mean_squared_error(y_test, m.predict(x_test))


def run_housing(peer, name, path, threads):
    with open(path, newline="") as f:
        table = np.array(list(csv.reader(f))[1:], dtype=np.float64)
    x, y = table[:, :-1].astype(np.float32), table[:, -1]
    seconds, errors = [], []
    for seed in range(10):
        a, b, c, d = train_test_split(x, y, test_size=0.2, random_state=seed)
        s, e = fit(model(peer, name, seed, threads), a, c, b, d)
        seconds.append(s)
        errors.append(e)
    print(peer, name, "seconds", f"{np.mean(seconds):.6g}", "s")
    print(peer, name, "mse", f"{np.mean(errors):.6g}", "mse")
    print(peer, name, "mse_error", f"{np.std(errors, ddof=1) / len(errors) ** 0.5:.6g}", "mse")
    print(peer, name, "peak_bytes", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "bytes")


def run_large(peer, name, path, threads, rows):
    table = np.fromfile(path, np.float64).reshape(29, rows)
    x, y, n = np.ascontiguousarray(table[:28].T.astype(np.float32)), table[28].copy(), rows - rows // 10
    del table
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, error = fit(model(peer, name, 0, threads), x[:n], y[:n], x[n:], y[n:])
    print(peer, name, "seconds", f"{seconds:.6g}", "s")
    print(peer, name, "mse", f"{error:.6g}", "mse")
    print(peer, name, "peak_bytes", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024, "bytes")


def main():
    peer, path, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rows = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    only = os.environ.get("GROVE_BENCH_ONE")
    if not only:  # each in a process of its own, so that the peak of its memory is its own
        for name in (LARGE if rows else NAMES)[peer]:
            subprocess.run([sys.executable, *sys.argv], check=True, env={**os.environ, "GROVE_BENCH_ONE": name})
    elif rows:
        run_large(peer, only, path, threads, rows)
    else:
        run_housing(peer, only, path, threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
