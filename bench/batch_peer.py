"""A peer at the work of bench/batch.sh.

usage: batch_peer.py fit SHARD MODEL                   a model of 150 trees of depth 10 over six columns, by XGBoost
       batch_peer.py PEER ROW FOLDER THREADS [MODEL]    scores the shards of a folder
prints "seconds cpu-seconds peak-bytes rows score"; the peer is imported and warm before the clock begins
"""
import glob
import os
import resource
import sys
import threading
import time

SIX = ["trip_distance", "fare_amount", "tip_amount", "tolls_amount", "total_amount", "pickup_location_id"]


def fit(shard, path):
    import numpy as np
    import pyarrow.parquet
    import xgboost

    table = pyarrow.parquet.read_table(shard, columns=SIX + ["pickup_at", "dropoff_at"]).slice(0, 60000)
    x = np.column_stack([table[c].to_numpy().astype(np.float32) for c in SIX])
    lasts = (table["dropoff_at"].to_numpy() - table["pickup_at"].to_numpy()).astype("timedelta64[s]").astype(np.float32)
    settings = dict(max_depth=10, eta=0.1, tree_method="hist", nthread=2)
    xgboost.train(settings, xgboost.DMatrix(x, np.log1p(lasts), feature_names=SIX), 150).save_model(path)


if sys.argv[1] == "fit":
    fit(sys.argv[2], sys.argv[3])
    sys.exit()

peer, row, folder, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
os.environ["POLARS_MAX_THREADS"] = str(threads)
os.environ["OMP_NUM_THREADS"] = "1"  # read when XGBoost's library is loaded: a thread a shard is faster than threads in it
files = sorted(glob.glob(f"{folder}/*.parquet"))
runs = 2  # of the warm work, of which the better counts


def pyarrow_rule(path):
    column = pyarrow.parquet.read_table(path, columns=["passenger_count"], use_threads=False)["passenger_count"]
    return len(column), pyarrow.compute.sum(pyarrow.compute.greater_equal(column, 2)).as_py() or 0


def xgboost_model(path):
    table = pyarrow.parquet.read_table(path, columns=SIX, use_threads=False)
    x = numpy.empty((table.num_rows, len(SIX)), numpy.float32)
    for i, c in enumerate(SIX):
        x[:, i] = table[c].to_numpy()
    scores = model.inplace_predict(x, validate_features=False)
    return len(scores), float(scores.sum(dtype=numpy.float64))


def in_threads(score):
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(score, files))


# Memory of all processes of a Ray cluster, shared pages shared out.
def watch_ray(peak):
    while not peak["stop"]:
        total = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    command = f.read()
                if b"ray" in command or int(pid) == os.getpid():
                    with open(f"/proc/{pid}/smaps_rollup") as f:
                        total += next(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024
            except (OSError, StopIteration):
                pass
        peak["bytes"] = max(peak["bytes"], total)
        time.sleep(0.25)


def make_ray():
    import ray
    from ray.util.actor_pool import ActorPool

    ray.init(num_cpus=threads, include_dashboard=False, log_to_driver=False, logging_level="ERROR")

    @ray.remote(num_cpus=0.3)
    class BatchPredictor:  # the tutorial's, which reads the one column that its model looks at
        def __init__(self, model):
            self.model = model

        def predict(self, path):
            import pyarrow.parquet

            frame = pyarrow.parquet.read_table(path, columns=["passenger_count"], use_threads=False).to_pandas()
            return len(frame), int(self.model(frame).sum())

    model = ray.put(lambda frame: frame["passenger_count"] >= 2)
    pool = ActorPool([BatchPredictor.remote(model) for _ in range(6)])
    return lambda: list(pool.map_unordered(lambda actor, path: actor.predict.remote(path), files))


peak = {"bytes": 0, "stop": False}
if peer == "ray":
    watcher = threading.Thread(target=watch_ray, args=(peak,), daemon=True)
    watcher.start()
    work = make_ray()
elif peer == "polars":
    import polars

    def work():  # all shards at once: faster than one behind the other
        score = [polars.len(), (polars.col("passenger_count") >= 2).sum().alias("score")]
        plans = [polars.scan_parquet(f).select(score) for f in files]
        return [frame.row(0) for frame in polars.collect_all(plans, engine="streaming")]

elif peer == "duckdb":
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set threads={threads}")

    def work():
        query = "select count(*), count(*) filter (passenger_count >= 2) from read_parquet(?)"
        return [connection.execute(query, [f]).fetchone() for f in files]

else:
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow.compute
    import pyarrow.parquet

    if peer == "pyarrow_xgboost":
        import numpy
        import xgboost

        model = xgboost.Booster(model_file=sys.argv[5])
        model.set_param({"nthread": 1})
        runs = 1  # tens of seconds, of which being warm is nothing

    def work():
        return in_threads(xgboost_model if peer == "pyarrow_xgboost" else pyarrow_rule)


if runs > 1:
    work()
best = []
for _ in range(runs):
    begin, cpu_begin = time.perf_counter(), time.process_time()
    result = work()
    best.append((time.perf_counter() - begin, time.process_time() - cpu_begin))
peak["stop"] = True
peak_bytes = peak["bytes"] if peer == "ray" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(f"{min(b[0] for b in best):.6f} {min(b[1] for b in best):.6f} {peak_bytes} {sum(r[0] for r in result)} {sum(r[1] for r in result)!r}")
