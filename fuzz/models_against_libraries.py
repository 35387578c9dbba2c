"""Random small models of XGBoost and LightGBM, in and out again: grove's predictions are the libraries' (the same floats, and
doubles within 1e-12), and what grove writes in their forms predicts the same in them.
usage: models_against_libraries.py GROVE [CASES [SEED]]; exit code 77: no library is installed here"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("no numpy: skipped")
    sys.exit(77)
libraries = {}
for library in ("xgboost", "lightgbm"):
    try:
        libraries[library] = __import__(library)
    except ImportError:
        print("no", library, "here")
if not libraries:
    print("no library: skipped")
    sys.exit(77)

grove = os.path.abspath(sys.argv[1])
cases = int(sys.argv[2]) if len(sys.argv) > 2 else 10
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1


def pick(r, *choices):
    return choices[r.integers(len(choices))]


def make_data(r):
    rows, columns = int(pick(r, 60, 300, 1500)), int(r.integers(1, 12))
    x = np.round(r.normal(size=(rows, columns)) * pick(r, 1, 10, 1e6), int(pick(r, 0, 1, 3)))
    kinds = ["q"] * columns
    for c in range(columns):
        if r.random() < 0.3:
            x[:, c] = r.integers(0, pick(r, 2, 9, 60), rows)
            kinds[c] = "c"
    y = np.nan_to_num(x).sum(axis=1) / (1 + np.abs(x).max()) + np.sin(x[:, 0]) + r.normal(size=rows) * 0.1
    for c in range(columns):
        x[r.random(rows) < pick(r, 0, 0.1, 0.5), c] = np.nan
        if kinds[c] == "q":
            x[r.random(rows) < 0.05, c] = 0
    return x.astype(np.float32), y, kinds


def make_rows(r, x, kinds):
    """Rows that were fitted on, and others: new categories, thresholds' neighbours, infinities, signed zeros."""
    new = x[r.integers(0, len(x), 150)].copy()
    for c, kind in enumerate(kinds):
        some = r.random(len(new)) < 0.2
        if kind == "c":
            new[some, c] = r.integers(0, 80, some.sum())
        else:
            odd = np.array([np.inf, -np.inf, -0.0, 1e-42, 1e-36, 3e38, -1.5], np.float32)
            new[some, c] = odd[r.integers(0, len(odd), some.sum())]
            near = r.random(len(new)) < 0.2
            new[near, c] = np.nextafter(new[near, c], np.float32(pick(r, -1e30, 1e30)))
    return new


def target_of(r, y, objective):
    if "poisson" in objective or "gamma" in objective or "tweedie" in objective:
        return np.abs(y) + 0.1
    if "logistic" in objective or objective == "binary":
        return (y > np.median(y)).astype(float)
    return y


def fit_xgboost(r, x, y, kinds):
    xgb = libraries["xgboost"]
    objective = pick(r, "reg:squarederror", "reg:absoluteerror", "binary:logistic", "count:poisson", "reg:gamma")
    settings = dict(objective=objective, eta=float(pick(r, 0.1, 0.3, 1)), seed=int(r.integers(1000)), nthread=1)
    settings |= dict(max_depth=int(pick(r, 1, 3, 6, 12)), tree_method="hist", max_bin=int(pick(r, 8, 64, 256)))
    if r.random() < 0.4:
        settings |= dict(grow_policy="lossguide", max_leaves=int(pick(r, 4, 31)), max_depth=0)
    data = xgb.DMatrix(x, target_of(r, y, objective), feature_types=kinds, enable_categorical=True)
    return xgb.train(settings, data, int(pick(r, 1, 5, 20)))


def fit_lightgbm(r, x, y, kinds):
    lgb = libraries["lightgbm"]
    objective = pick(r, "regression", "regression_l1", "huber", "quantile", "poisson", "gamma", "tweedie", "binary")
    settings = dict(objective=objective, learning_rate=float(pick(r, 0.1, 0.5)), verbose=-1, num_threads=1, seed=1)
    settings |= dict(num_leaves=int(pick(r, 2, 15, 63)), min_data_in_leaf=int(pick(r, 1, 20)), min_data_per_group=5)
    settings |= dict(use_missing=bool(r.random() < 0.8), zero_as_missing=bool(r.random() < 0.3), cat_smooth=1)
    categories = [c for c, kind in enumerate(kinds) if kind == "c"]
    data = lgb.Dataset(x.astype(float), target_of(r, y, objective), categorical_feature=categories)
    return lgb.train(settings, data, int(pick(r, 1, 5, 20)))


def predict_in(library, path, x, kinds):
    if library == "xgboost":
        xgb = libraries[library]
        model = xgb.Booster({"nthread": 1}, model_file=path)
        types = model.feature_types or kinds
        names = model.feature_names
        return model.predict(xgb.DMatrix(x, feature_names=names, feature_types=types, enable_categorical=True, nthread=1)).astype(float)
    return libraries[library].Booster(model_file=path).predict(x.astype(float))


def run(*arguments):
    done = subprocess.run([grove, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def predict_grove(folder, model, x):
    code, out, err = run("model", "info", model, "--json")
    assert code == 0, err
    names = json.loads(out)["features"]
    with open(os.path.join(folder, "rows.csv"), "w") as f:
        f.write(",".join(names) + "\n")
        for row in x:
            f.write(",".join("" if np.isnan(v) else repr(float(v)) for v in row) + ("\n" if len(row) > 1 or not np.isnan(row[0]) else "NA\n"))
    code, out, err = run("model", "predict", "--model", model, "--data", f.name, "--json")
    assert code == 0, err
    return np.array([np.nan if v is None else v for v in json.loads(out)["predictions"]])


def check(what, want, got, tolerance):
    worst = np.abs(want - got) / np.maximum(1e-300, np.abs(want))
    worst[want == got] = 0
    assert len(want) == len(got) and worst.max() <= tolerance, f"{what}: off by {worst.max():g} relative"


def one(folder, r):
    library = pick(r, *libraries)
    x, y, kinds = make_data(r)
    model = (fit_xgboost if library == "xgboost" else fit_lightgbm)(r, x, y, kinds)
    path = os.path.join(folder, "model." + ("lgb" if library == "lightgbm" else pick(r, "json", "ubj")))
    model.save_model(path)
    rows = make_rows(r, x, kinds)
    if library == "xgboost":
        rows[np.isinf(rows)] = 1e30  # it refuses infinities
    want = predict_in(library, path, rows, kinds)
    check(library, want, predict_grove(folder, path, rows), 0 if library == "xgboost" else 1e-12)
    for form in ("lightgbm", "xgboost-json"):
        other = form.split("-")[0]
        out = os.path.join(folder, "other." + ("json" if other == "xgboost" else "lgb"))
        code, _, err = run("model", "convert", "--model", path, "--to", form, "--out", out)
        if code:  # said by name, and seldom
            assert code != 0 and ("has no" in err or "no finite" in err), err
            continue
        if other in libraries:
            exact = other == library
            plain = np.where(np.isinf(rows), np.float32(1e30), rows) if other == "xgboost" else rows
            if not exact:  # LightGBM takes for zero what is very small
                plain = np.where(np.abs(plain) < 1e-34, np.float32(0), plain)
            mine = want if plain is rows else predict_in(library, path, plain, kinds)
            check(f"{library} as {form}", mine, predict_in(other, out, plain, kinds), (0 if other == "xgboost" else 1e-12) if exact else 2e-4)
    return library


counts = {}
with tempfile.TemporaryDirectory() as folder:
    for case in range(cases):
        try:
            library = one(folder, np.random.default_rng([seed, case]))
        except AssertionError as problem:
            print(f"case {case} of seed {seed}: {problem}")
            sys.exit(1)
        counts[library] = counts.get(library, 0) + 1
print(cases, "cases of seed", seed, counts)
