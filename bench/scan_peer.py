"""A peer at the work of bench/scan.sh.

usage: scan_peer.py rewrite PEER FROM TO snappy|zstd  one shard, written anew at the peer's defaults (pyarrow, zstd: v2 pages)
       scan_peer.py PEER FOLDER one|six|all THREADS    scans a folder; prints seconds cpu-seconds peak-bytes
"""
import glob
import os
import resource
import sys
import time

if sys.argv[1] == "rewrite":
    writer, source, to, codec = sys.argv[2:6]
    if writer == "pyarrow":
        import pyarrow.parquet

        more = {"data_page_version": "2.0"} if codec == "zstd" else {}
        table = pyarrow.parquet.read_table(source)
        pyarrow.parquet.write_table(table, to, compression=codec, row_group_size=1 << 20, **more)
    elif writer == "duckdb":
        import duckdb

        duckdb.execute(f"copy (from read_parquet('{source}')) to '{to}' (format parquet, compression {codec})")
    else:
        import polars

        polars.read_parquet(source).write_parquet(to, compression=codec)
    sys.exit()

peer, folder, columns, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
os.environ["POLARS_MAX_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(threads)
files = sorted(glob.glob(f"{folder}/*.parquet"))
six = ["trip_distance", "fare_amount", "tip_amount", "tolls_amount", "total_amount", "pickup_location_id"]
wanted = {"one": ["passenger_count"], "six": six, "all": None}[columns]

if peer == "pyarrow":
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow
    import pyarrow.compute
    import pyarrow.parquet

    pyarrow.set_cpu_count(threads)

    def scan(path):
        count = 0
        file = pyarrow.parquet.ParquetFile(path, memory_map=False, pre_buffer=False)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=wanted, use_threads=False)
            if columns == "one":
                count += pyarrow.compute.sum(pyarrow.compute.greater_equal(table[0], 2)).as_py()
            else:
                count += table.num_rows  # reading alone, in its favour
        return count

    def work():
        if threads == 1:
            return sum(map(scan, files))
        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(scan, files))

elif peer == "duckdb":
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set threads={threads}")
    source = f"read_parquet('{folder}/*.parquet')"
    if columns == "one":
        query = f"select count(*) from {source} where passenger_count >= 2"
    elif columns == "six":
        query = "select " + ", ".join(f"sum({c})" for c in six) + f" from {source}"
    else:
        query = f"select max(columns(*)) from {source}"

    def work():
        return connection.execute(query).fetchone()[0]

else:
    import polars

    frame = polars.scan_parquet(f"{folder}/*.parquet")
    if columns == "one":
        frame = frame.select((polars.col("passenger_count") >= 2).sum())
    elif columns == "six":
        frame = frame.select([polars.col(c).sum() for c in six])
    else:
        frame = frame.select(polars.all().max())

    def work():
        return frame.collect(engine="streaming").row(0)[0]


work()  # once to be warm: imports, thread pools, memory; grove has none of these to warm
seconds, cpu_seconds = [], []
for _ in range(2):
    begin, cpu_begin = time.perf_counter(), time.process_time()
    work()
    seconds.append(time.perf_counter() - begin)
    cpu_seconds.append(time.process_time() - cpu_begin)
print(f"{min(seconds):.6f} {min(cpu_seconds):.6f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}")
