"""One peer at the work of bench/batch.sh. usage: batch_peer.py PEER FOLDER THREADS"""
import glob
import os
import resource
import sys
import time

peer, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.environ["POLARS_MAX_THREADS"] = str(threads)
files = sorted(glob.glob(f"{folder}/green_tripdata_*.parquet")) or sorted(glob.glob(f"{folder}/*.parquet"))
if peer == "polars":
    import polars

    def score(path):
        column = polars.scan_parquet(path).select(polars.col("passenger_count") >= 2).collect()["passenger_count"]
        return len(column), int(column.sum() or 0)

    def work():
        return [score(f) for f in files]

elif peer == "duckdb":
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set threads={threads}")

    def work():
        return [
            connection.execute("select count(*), count(*) filter (passenger_count >= 2) from read_parquet(?)", [f]).fetchone()
            for f in files
        ]

else:
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow.compute
    import pyarrow.parquet

    def score(path):
        column = pyarrow.parquet.read_table(path, columns=["passenger_count"], use_threads=False)["passenger_count"]
        return len(column), pyarrow.compute.sum(pyarrow.compute.greater_equal(column, 2)).as_py() or 0

    def work():
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(score, files))


begin = time.perf_counter()
result = work()
seconds = time.perf_counter() - begin
print(f"{sum(r[0] for r in result)} rows, score {sum(r[1] for r in result)}", file=sys.stderr)
print(peer, "seed_rule", "seconds", f"{seconds:.6g}", "s")
print(peer, "seed_rule", "peak_bytes", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "B")
