"""Random small problems: grove's tree against scikit-learn's, node by node, and its boosting against LightGBM's.

Where two splits gain the same there is no telling which one a library takes, so a tree is compared down to such a node.
usage: learners_peers.py FOLDER-OF-LIBRARIES [CASES [SEED]]; exit code 77: no scikit-learn here"""
import ctypes
import os
import struct
import sys
import warnings
from ctypes import POINTER, byref, c_char_p, c_double, c_size_t, c_uint32, c_uint64, c_void_p

try:
    import numpy as np
    from sklearn.tree import DecisionTreeRegressor
except ImportError:
    print("no scikit-learn: skipped")
    sys.exit(77)
try:
    import lightgbm
except ImportError:
    lightgbm = None
    print("no lightgbm here")
from groves import Error, texts

warnings.filterwarnings("ignore")
falls = []  # of the loss, ours and theirs, where they differ
TIE = 1e-9  # of a gain: sums in another order differ by less


class FitOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("time_limit_ms", c_uint32),
        ("seed", c_uint64),
        ("target", c_char_p),
        ("features", POINTER(c_char_p)),
        ("work", c_void_p),
        ("weight", c_char_p),
    ]


class Parameter(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


class Matrix(ctypes.Structure):
    _fields_ = [("column", POINTER(POINTER(c_double))), ("columns", c_size_t), ("rows", c_size_t)]


class Learners:
    def __init__(self, folder):
        ctypes.CDLL(os.path.join(folder, "libgrove.so"), mode=ctypes.RTLD_GLOBAL)
        self.lib = ctypes.CDLL(os.path.join(folder, "libgrove_model.so"))
        self.lib.grove_model_destroy.restype = None
        self.lib.grove_table_release.restype = None
        self.libc = ctypes.CDLL(None)
        self.libc.free.argtypes = [c_void_p]

    def check(self, status, err):
        if status:
            raise RuntimeError(f"{status}: {err.text.decode()}")

    def fit(self, kind, settings, x, y, weight=None):
        """A fitted model, to be destroyed."""
        err, table, model = Error(), c_void_p(), c_void_p()
        names = [f"x{i}" for i in range(x.shape[1])] + (["w"] if weight is not None else []) + ["y"]
        columns = [x] + ([weight[:, None]] if weight is not None else []) + [y[:, None]]
        rows = np.column_stack(columns).tolist()
        lines = [",".join(names)] + [",".join("" if v != v else repr(v) for v in row) for row in rows]
        text = "\n".join(lines).encode() + b"\n"
        self.check(self.lib.grove_csv_parse(text, c_size_t(len(text)), None, byref(table), byref(err)), err)
        pairs = (Parameter * (len(settings) + 1))(*[(k.encode(), str(v).encode()) for k, v in settings.items()])
        features = texts([f"x{i}" for i in range(x.shape[1])])
        options = FitOptions(ctypes.sizeof(FitOptions), 0, 1, b"y", features, None, b"w" if weight is not None else None)
        self.check(self.lib.grove_model_create(None, kind.encode(), pairs, byref(model), byref(err)), err)
        self.check(self.lib.grove_model_fit(model, table, byref(options), byref(err)), err)
        self.lib.grove_table_release(table)
        return model

    def predict(self, model, x):
        columns = [np.ascontiguousarray(x[:, c], np.float64) for c in range(x.shape[1])]
        pointers = (POINTER(c_double) * len(columns))(*[c.ctypes.data_as(POINTER(c_double)) for c in columns])
        out = np.empty(len(x))
        matrix = Matrix(pointers, len(columns), len(x))
        status = self.lib.grove_model_predict_matrix(model, byref(matrix), out.ctypes.data_as(POINTER(c_double)))
        if status:
            raise RuntimeError(f"predict: {status}")
        return out

    def nodes(self, model):
        """Of the first tree: (value, feature, left) each, from the saved file: see src/model/tree_form.h."""
        err, data, n = Error(), c_void_p(), c_size_t()
        self.check(self.lib.grove_model_save(model, None, byref(data), byref(n), byref(err)), err)
        file = ctypes.string_at(data, n.value)
        self.libc.free(data)
        at = file.index(b"GRT2")
        trees = struct.unpack_from("<8I", file, at)[4]
        count = struct.unpack_from("<Q", file, at + 64)[0]
        first = at + 64 + 8 * (trees + trees % 2)
        return [struct.unpack_from("<dII", file, first + 16 * i) for i in range(count)]


def pick(r, *choices):
    return choices[r.integers(len(choices))]


def make_problem(r, missing):
    rows, columns = int(r.integers(4, 120)), int(r.integers(1, 6))
    x = r.integers(0, pick(r, 3, 20, 100000), (rows, columns)) * float(pick(r, 0.25, 1, 64))
    y = r.normal(size=rows) + x[:, 0] / (1 + np.abs(x).max())
    if r.random() < 0.2:
        y = np.round(y)
    if missing:
        x[r.random(x.shape) < 0.2] = np.nan
    return x, y


def gain(y, w, left):
    """Of a split of these rows, less what they have without it."""
    parts = [(np.dot(w[side], y[side]), w[side].sum()) for side in (left, ~left)]
    return sum(s * s / n for s, n in parts if n > 0) - np.dot(w, y) ** 2 / w.sum()


def sides(x, threshold, missing_left):
    return np.where(np.isnan(x), missing_left, x <= threshold)


def compare(x, y, w, rows, own, at, tree, node):
    """Whether both are the same tree below these nodes, down to ties. A text: how they are not."""
    value, feature, left = own[at]
    theirs = tree.children_left[node]
    yy, ww = y[rows], w[rows]
    spread = np.dot(ww, (yy - np.average(yy, weights=ww)) ** 2)
    if left == 0 and theirs == -1:
        good = abs(value - tree.value[node, 0, 0]) <= 1e-9 * (1 + abs(value))
        return None if good else f"a leaf of {value}, not {tree.value[node, 0, 0]}"
    if left == 0 or theirs == -1:
        return None if spread <= 1e-12 * (1 + np.dot(ww, yy**2)) else f"a leaf beside a split, spread {spread}"
    f, g = feature & 0xFFFFFFF, tree.feature[node]
    a = sides(x[rows, f], value, bool(feature >> 31))
    b = sides(x[rows, g], tree.threshold[node], bool(tree.missing_go_to_left[node]))
    if f != g or not np.array_equal(a, b):
        mine, other = gain(yy, ww, a), gain(yy, ww, b)
        if abs(mine - other) <= TIE * (abs(mine) + spread):
            return None
        return f"split by {f} at {value} gains {mine}, by {g} at {tree.threshold[node]} {other}"
    if not np.isinf(value) and abs(value - tree.threshold[node]) > 1e-9 * (1 + abs(value)):
        return f"the threshold {value}, not {tree.threshold[node]}"
    return compare(x, y, w, rows[a], own, left, tree, theirs) or compare(
        x, y, w, rows[~a], own, left + 1, tree, tree.children_right[node]
    )


def one_tree(learners, r):
    x, y = make_problem(r, r.random() < 0.3)
    weight = r.integers(1, 4, len(y)).astype(float) if r.random() < 0.3 else None
    settings = {"max_depth": int(pick(r, 1, 3, 15)), "min_samples_split": int(pick(r, 2, 5))}
    if weight is None:  # with weights a leaf's rows are counted otherwise
        settings["min_samples_leaf"] = int(pick(r, 1, 1, 4))
    else:
        settings["min_samples_split"] = 2
    model = learners.fit("decision_tree", settings, x, y, weight)
    theirs = DecisionTreeRegressor(random_state=0, **settings).fit(x, y, sample_weight=weight)
    w = weight if weight is not None else np.ones(len(y))
    wrong = compare(x, y, w, np.arange(len(y)), learners.nodes(model), 0, theirs.tree_, 0)
    learners.lib.grove_model_destroy(model)
    return f"{settings}: {wrong}" if wrong else None


def one_boosting(learners, r):
    """One step of the same kind takes away no less of the loss. More it may: LightGBM looks no more at a feature below a
    node where no split by it was worth it."""
    x, y = make_problem(r, r.random() < 0.3)
    leaves, rows, penalty = int(pick(r, 2, 7, 31)), int(pick(r, 1, 5)), float(pick(r, 0, 1, 10))
    model = learners.fit(
        "gradient_boosting",
        dict(n_estimators=1, max_leaves=leaves, max_depth="none", min_data_in_leaf=rows, eta=1, min_child_weight=0)
        | {"lambda": penalty},
        x,
        y,
    )
    theirs = lightgbm.train(
        dict(num_leaves=leaves, max_depth=-1, min_data_in_leaf=rows, learning_rate=1, lambda_l2=penalty, verbose=-1)
        | dict(min_sum_hessian_in_leaf=0, min_data_in_bin=1, num_threads=1, enable_bundle=False, feature_pre_filter=False)
        | dict(objective="regression", bin_construct_sample_cnt=10**6, max_bin=255),
        lightgbm.Dataset(x, y, free_raw_data=False),
        1,
    )
    a, b = learners.predict(model, x), theirs.predict(x)
    learners.lib.grove_model_destroy(model)
    if np.allclose(a, b, rtol=1e-5, atol=1e-5):
        return None
    # Other leaves of the same worth: how far the loss falls, with the penalty, is what both make small.
    base = np.mean(y)
    fall = []
    for p in (a, b):
        values, place = np.unique(np.round(p, 9), return_inverse=True)
        counts, sums = np.bincount(place), np.bincount(place, y - base)
        fall.append(np.sum(sums**2 / (counts + penalty)))
    falls.append(fall)
    # Of equal splits the other one may lead to a worse end, and so may the best one; one split alone has no such excuse.
    least = 1 - 1e-4 if leaves == 2 else 0.7
    return None if fall[0] >= fall[1] * least - 1e-9 else f"{leaves} leaves of {rows} rows, lambda {penalty}: the loss falls by {fall[0]}, not {fall[1]}"


def main():
    learners = Learners(sys.argv[1])
    cases = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    kinds = {"decision_tree": one_tree} | ({"gradient_boosting": one_boosting} if lightgbm else {})
    bad = 0
    for name, one in kinds.items():
        for case in range(cases):
            wrong = one(learners, np.random.default_rng([seed, case]))
            if wrong:
                bad += 1
                print(f"{name}, seed {seed}, case {case}: {wrong}", flush=True)
        print(f"{name}: {cases} cases", flush=True)
    ours, theirs = np.sum(falls, axis=0) if falls else (0, 0)
    if ours < theirs:
        bad += 1
        print(f"all in all the loss falls by {ours}, not {theirs}")
    return 1 if bad else 0


sys.exit(main())
