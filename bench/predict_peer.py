"""A peer's models, fitted once, and its predictions, timed. usage: predict_peer.py fit|run PEER FOLDER"""
import os
import pickle
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"  # read when a peer's library is loaded
import numpy as np

what, peer, folder = sys.argv[1:]
NAMES = {"trees_150x10": (150, 10, 1023), "leaves_100x31": (100, None, 31)}


def make(rows, seed):
    r = np.random.default_rng(seed)
    x = r.normal(size=(rows, 8)).astype(np.float32)
    x[:, 0] = np.round(x[:, 0], 1)
    x[:, 1] = np.abs(x[:, 1]) * 10
    y = np.sin(x[:, 0] * 2) + x[:, 1] * 0.1 * x[:, 2] + np.abs(x[:, 3] - x[:, 4]) + 0.5 * x[:, 5] * x[:, 6]
    y += 0.2 * r.normal(size=rows).astype(np.float32)
    x[r.random(x.shape) < 0.06] = np.nan
    return x, y


def fit(trees, depth, leaves):
    x, y = make(60000, 1)
    if peer == "xgboost":
        import xgboost

        settings = dict(eta=0.1, tree_method="hist", nthread=2)
        settings |= dict(max_depth=depth) if depth else dict(max_depth=0, max_leaves=leaves, grow_policy="lossguide")
        return xgboost.train(settings, xgboost.DMatrix(x, y), trees)
    if peer == "lightgbm":
        import lightgbm

        settings = dict(num_leaves=leaves, max_depth=depth or -1, learning_rate=0.1, verbose=-1, num_threads=2)
        return lightgbm.train(settings, lightgbm.Dataset(x, y), trees)
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=trees, max_depth=depth, max_leaf_nodes=leaves, learning_rate=0.1, early_stopping=False
    ).fit(x, y)


def predictor(model):
    if peer == "xgboost":
        model.set_param({"nthread": 1})
        return model.inplace_predict
    if peer == "lightgbm":
        return lambda x: model.predict(x, num_threads=1)
    return model.predict


if what == "fit":
    rows = os.path.join(folder, "rows")
    if not os.path.exists(rows):
        make(1000000, 2)[0].tofile(rows)
    for name, shape in NAMES.items():
        path = os.path.join(folder, f"{peer}.{name}")
        model = fit(*shape)
        with open(path, "wb") as f:
            pickle.dump(model, f)
        if peer == "xgboost":
            model.save_model(path + ".ubj")
            x = np.fromfile(rows, np.float32).reshape(-1, 8)
            model.inplace_predict(x).astype(np.float32).tofile(path + ".wanted")
    sys.exit()

x = np.fromfile(os.path.join(folder, "rows"), np.float32).reshape(-1, 8)
for name in NAMES:
    with open(os.path.join(folder, f"{peer}.{name}"), "rb") as f:
        predict = predictor(pickle.load(f))
    predict(x[:1000])
    begin = time.perf_counter()
    predict(x)
    print(peer, name, "rate", f"{len(x) / (time.perf_counter() - begin):.6g}", "rows/s")
    if name == "trees_150x10":
        begin = time.perf_counter()
        for i in range(200):
            predict(x[i : i + 1])
        print(peer, "one_row", "seconds", f"{(time.perf_counter() - begin) / 200:.6g}", "s")
