"""A peer at the work of bench/csv.sh, on one thread. usage: csv_peer.py PEER FILE; prints the processor's seconds."""
import os
import sys
import time

peer, path = sys.argv[1:3]
os.environ["POLARS_MAX_THREADS"] = "1"
if peer == "pyarrow":
    import pyarrow.csv

    def work():
        pyarrow.csv.read_csv(path, read_options=pyarrow.csv.ReadOptions(use_threads=False))

elif peer == "duckdb":
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads=1")

    def work():
        connection.execute(f"create or replace table t as from read_csv('{path}')")

else:
    import polars

    def work():
        polars.read_csv(path, infer_schema_length=None)


work()  # once to be warm; grove has nothing to warm
begin = time.process_time()
work()
print(time.process_time() - begin)
