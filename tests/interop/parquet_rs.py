"""parquet-rs reads what grove writes: its values, pages of both versions, and its bloom filters.

usage: parquet_rs.py FOLDER_OF_LIBRARIES FOLDER_OF_SOURCES BUILD_FOLDER SCRATCH_FOLDER
Builds the reader by cargo in BUILD_FOLDER, the first time for minutes. Exit codes: 0 all is equal, 1 not, 77 no cargo,
no pyarrow, or the crates can't be had here.
"""
import os
import shutil
import subprocess
import sys

try:
    import pyarrow as pa
except ImportError:
    print("no pyarrow in this Python: skipped")
    sys.exit(77)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from groves import Grove  # noqa: E402

libraries, sources, build, scratch = sys.argv[1:5]
if not shutil.which("cargo"):
    print("no cargo here: parquet-rs is skipped")
    sys.exit(77)
project = os.path.join(build, "project")
shutil.copytree(sources, project, dirs_exist_ok=True)
made = subprocess.run(["cargo", "build", "--quiet"], cwd=project, env={**os.environ, "CARGO_TARGET_DIR": build}, capture_output=True, text=True)
reader = os.path.join(build, "debug", "parquet_rs_reader")
if made.returncode:
    missing = any(word in made.stderr for word in ("network", "registry", "resolve host", "download", "index"))
    print(f"parquet-rs does not build{': skipped' if missing else ''}\n{made.stderr[-2000:]}")
    sys.exit(77 if missing else 1)

grove = Grove(libraries)
path = os.path.join(scratch, "ours.parquet")
rows = 5000
table = pa.table(
    {
        "i64": [(i * 7) % 1500 for i in range(rows)],
        "text": [None if i % 5 == 0 else f"text {i % 91}" for i in range(rows)],
        "f64": [None if i % 3 else i / 7 for i in range(rows)],
        "bool": [i % 2 == 0 for i in range(rows)],
        "i32": pa.array(range(rows), pa.int32()),
    }
)
failures = 0
for form in (
    {},
    {"page_version": 2},
    {"page_version": 2, "codec": 1, "page_rows": 100, "group_rows": 999},
    {"page_version": 2, "codec": 2, "no_dictionary": 1},
    {"bloom": ["i64", "text", "f64", "i32"], "group_rows": 1500},
):
    grove_table = grove.import_batch(table.combine_chunks().to_batches()[0])
    grove.write(grove_table, path, **form)
    grove.model.grove_table_release(grove_table)
    read = subprocess.run([reader, path], capture_output=True)
    if read.returncode or not pa.ipc.open_stream(read.stdout).read_all().equals(table):
        failures += 1
        print(f"{form}: parquet-rs reads something else: {read.stderr[-300:].decode(errors='replace')}")
def some(i, n, make):
    return None if i % 7 == 0 else [None if (i + k) % 5 == 0 else make(i + k) for k in range(i % n)]


nested = pa.table(
    {
        "plain": range(rows),
        "list": pa.array([some(i, 5, int) for i in range(rows)], pa.list_(pa.int32())),
        "lists": pa.array([some(i, 4, lambda k: some(k, 3, str)) for i in range(rows)], pa.list_(pa.list_(pa.string()))),
        "map": pa.array([None if i % 9 == 0 else [(str(k), k / 3) for k in range(i % 3)] for i in range(rows)], pa.map_(pa.string(), pa.float64())),
        "struct": pa.array([None if i % 4 == 0 else {"a": i, "b": some(i, 3, bool)} for i in range(rows)], pa.struct([("a", pa.int64()), ("b", pa.list_(pa.bool_()))])),
    }
)
for form in ({}, {"page_version": 2, "codec": 1, "page_rows": 100, "group_rows": 999}, {"codec": 2, "no_dictionary": 1, "page_rows": 7}):
    grove_table = grove.import_batch(nested.combine_chunks().to_batches()[0])
    grove.write(grove_table, path, **form)
    grove.model.grove_table_release(grove_table)
    read = subprocess.run([reader, path], capture_output=True)
    got = None if read.returncode else pa.ipc.open_stream(read.stdout).read_all()
    if got is None or any(got.column(n).to_pylist() != nested.column(n).to_pylist() for n in nested.column_names):
        failures += 1
        print(f"nested, {form}: parquet-rs reads something else: {read.stderr[-300:].decode(errors='replace')}")
grove_table = grove.import_batch(table.combine_chunks().to_batches()[0])
grove.write(grove_table, path, bloom=["i64"], group_rows=1500)
grove.model.grove_table_release(grove_table)
there = [str(i) for i in range(1500)]
absent = [str(10**6 + 13 * i) for i in range(1000)]
kept = [int(subprocess.run([reader, path, "i64", *values], capture_output=True, text=True, check=True).stdout) for values in (there, absent)]
if kept[0] != len(there) or kept[1] > 50:
    failures += 1
    print(f"the bloom filter keeps {kept[0]} of {len(there)} values that are there, and {kept[1]} of {len(absent)} others")
print(f"parquet-rs reads 8 files of grove, and asks a filter: {failures} failures")
sys.exit(1 if failures else 0)
