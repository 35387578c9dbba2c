"""One peer at the settings of bench/train.sh. usage: train_peer.py PEER CSV THREADS"""
import csv
import sys
import time

import numpy as np
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

peer, path, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(path, newline="") as f:
    table = np.array(list(csv.reader(f))[1:], dtype=np.float64)
x, y = table[:, :-1].astype(np.float32), table[:, -1]


def models(seed):
    if peer == "sklearn":
        from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
        from sklearn.linear_model import LinearRegression
        from sklearn.tree import DecisionTreeRegressor

        return {
            "decision_tree": DecisionTreeRegressor(max_depth=15, random_state=seed),
            "random_forest": RandomForestRegressor(n_estimators=150, n_jobs=threads, random_state=seed),
            "gradient_boosting": HistGradientBoostingRegressor(
                max_iter=150, max_depth=10, max_leaf_nodes=None, learning_rate=0.3, early_stopping=False, random_state=seed
            ),
            "linear": LinearRegression(),
        }
    if peer == "xgboost":
        import xgboost

        return {
            "gradient_boosting": xgboost.XGBRegressor(
                n_estimators=150, max_depth=10, learning_rate=0.3, colsample_bytree=1, n_jobs=threads, random_state=seed
            )
        }
    import lightgbm

    return {
        "gradient_boosting": lightgbm.LGBMRegressor(
            n_estimators=150, max_depth=10, num_leaves=1023, learning_rate=0.3, n_jobs=threads, random_state=seed, verbose=-1
        )
    }


seconds, errors = {}, {}
for seed in (0, 1, 2):
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=seed)
    for name, model in models(seed).items():
        begin = time.perf_counter()
        model.fit(x_train, y_train)
        seconds.setdefault(name, []).append(time.perf_counter() - begin)
        errors.setdefault(name, []).append(mean_squared_error(y_test, model.predict(x_test)))
for name in seconds:
    print(peer, name, "seconds", f"{np.mean(seconds[name]):.6g}", "s")
    print(peer, name, "mse", f"{np.mean(errors[name]):.6g}", "mse")
