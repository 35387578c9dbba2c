"""Makes the models of this folder, on made-up data: python make.py, once for each version of the libraries. Of
each NAME there is the model as the library wrote it and NAME.rows: features and, last, the library's prediction."""
import json
import numpy as np
import xgboost as xgb
try:
    import lightgbm as lgb
except ImportError:
    lgb = None

random = np.random.default_rng(5)
X = np.round(random.normal(size=(300, 4)) * 4, 3)
X[:, 3] = random.integers(0, 40, 300)
y = X[:, 0] + np.abs(X[:, 1]) + (X[:, 3] % 5) + random.normal(size=300)
X[random.random(X.shape) < 0.1] = np.nan
X[random.random(X.shape) < 0.05] = 0
rows = np.concatenate([X[:40], np.round(random.normal(size=(24, 4)) * 50, 2)])
rows[40:, 3] = random.integers(0, 90, 24)
positive = np.abs(y) / 4 + 0.1
groups = y + 6 * np.isin(np.nan_to_num(X[:, 3]), [1, 2, 5, 9, 17, 30, 33])
half = (y > np.median(y)).astype(float)


def put_rows(name, predictions):
    with open(name + ".rows", "w") as out:
        for x, p in zip(rows, predictions):
            out.write(" ".join("%.17g" % v for v in [*x, float(p)]) + "\n")


def old_shape(document):
    """As 1.0 to 1.2 wrote it: no categories, booleans, fewer members."""
    document["version"] = [1, 2, 0]
    learner = document["learner"]
    for key in ("feature_names", "feature_types"):
        learner.pop(key, None)
    parameters = learner["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    for key in ("num_target", "boost_from_average"):
        parameters.pop(key, None)
    model = learner["gradient_booster"]["model"]
    model["gbtree_model_param"] = {
        "num_trees": model["gbtree_model_param"]["num_trees"], "size_leaf_vector": "0"}
    for key in ("iteration_indptr", "cats"):
        model.pop(key, None)
    for tree in model["trees"]:
        for key in list(tree):
            if key.startswith("categories") or key == "split_type":
                tree.pop(key)
        tree["default_left"] = [bool(v) for v in tree["default_left"]]
        tree["tree_param"]["size_leaf_vector"] = "0"
    return document


def make_xgboost():
    version = "xgb" + "".join(xgb.__version__.split(".")[:2])
    cases = {"squared": ("reg:squarederror", y, {}), "absolute": ("reg:absoluteerror", y, {}),
             "huber": ("reg:pseudohubererror", y, {}), "poisson": ("count:poisson", positive, {}),
             "gamma": ("reg:gamma", positive, {"num_parallel_tree": 2, "subsample": 0.5}),
             "tweedie": ("reg:tweedie", positive, {}), "logistic": ("binary:logistic", half, {}),
             "reglogistic": ("reg:logistic", half, {"base_score": 0.25}),
             "category": ("reg:squarederror", groups, {"max_cat_to_onehot": 4, "tree_method": "hist"})}
    if int(xgb.__version__.split(".")[0]) >= 2:
        cases["quantile"] = ("reg:quantileerror", y, {"quantile_alpha": 0.3})
    for what, (objective, target, more) in cases.items():
        name = version + "_" + what
        types = ["q", "q", "q", "c" if what == "category" else "q"]
        data = xgb.DMatrix(X, target, feature_types=types, enable_categorical=True)
        model = xgb.train({"objective": objective, "max_depth": 3, "nthread": 1, "seed": 1, **more}, data, 6)
        model.save_model(name + (".ubj" if what in ("poisson", "category", "logistic") else ".json"))
        put_rows(name, model.predict(xgb.DMatrix(rows, feature_types=types, enable_categorical=True)))
        if what == "squared" and xgb.__version__ >= "3":
            with open("xgb12_squared.json", "w") as out:
                json.dump(old_shape(json.loads(model.save_raw("json"))), out)
            put_rows("xgb12_squared", model.predict(xgb.DMatrix(rows, feature_types=types)))


def make_lightgbm():
    version = "lgb" + "".join(lgb.__version__.split(".")[:2])
    cases = {"regression": ("regression", y, {}), "l1": ("regression_l1", y, {"zero_as_missing": True}),
             "huber": ("huber", y, {"use_missing": False}), "quantile": ("quantile", y, {}),
             "poisson": ("poisson", positive, {}), "tweedie": ("tweedie", positive, {}),
             "binary": ("binary", half, {"sigmoid": 0.7}), "entropy": ("cross_entropy", half, {}),
             "sqrt": ("regression", y, {"reg_sqrt": True}), "category": ("regression", groups, {"cat_smooth": 1, "cat_l2": 1}),
             "forest": ("regression", y, {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6})}
    for what, (objective, target, more) in cases.items():
        name = version + "_" + what
        data = lgb.Dataset(X, target, categorical_feature=[3] if what == "category" else "auto")
        model = lgb.train({"objective": objective, "num_leaves": 7, "min_data_in_leaf": 5, "verbose": -1,
                           "min_data_per_group": 2, "num_threads": 1, "seed": 1, **more}, data, 5)
        text = model.model_to_string()
        text = text[:text.index("\nparameters:")] + "\npandas_categorical:null\n"
        with open(name + ".txt", "w") as out:
            out.write(text)
        put_rows(name, model.predict(rows))
        if what == "category" and "version=v3" in text:  # v2 had neither sizes nor linear trees
            lines = [line for line in text.split("\n") if not line.startswith(("tree_sizes", "is_linear"))]
            with open("lgb2_category.txt", "w") as out:
                out.write("\n".join(lines).replace("version=v3", "version=v2"))
            put_rows("lgb2_category", model.predict(rows))


make_xgboost()
if lgb:
    make_lightgbm()
