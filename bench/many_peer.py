"""scikit-learn on the problem of bench/many.c: a model for each key. usage: many_peer.py KEYS"""
import sys
import time

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor


def fit(make, x, y):
    return make().fit(x, y)


def tree():
    return DecisionTreeRegressor(max_depth=6)


def main():
    keys = int(sys.argv[1])
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (keys, 100, 8)).astype(np.float32)
    y = np.einsum("krf,kf->kr", x, rng.uniform(-1, 1, (keys, 8))) + 0.1 * rng.uniform(-1, 1, (keys, 100))
    for name, make in (("many_linear", LinearRegression), ("many_trees", tree)):
        begin = time.perf_counter()
        for i in range(keys):
            fit(make, x[i], y[i])
        seconds = time.perf_counter() - begin
        Parallel(n_jobs=2)(delayed(fit)(make, x[i], y[i]) for i in range(4))  # its processes are started by then
        begin = time.perf_counter()
        Parallel(n_jobs=2)(delayed(fit)(make, x[i], y[i]) for i in range(keys))
        seconds = min(seconds, time.perf_counter() - begin)
        print("sklearn", name, "rate", f"{keys / seconds:.6g}", "1/s")


main()
