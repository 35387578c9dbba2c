"""The example duckdb_stream with the DuckDB that a Python has: its module exports DuckDB's C interface, too.

usage: duckdb_example.py PROGRAM
Exit codes: 0 it fitted a model, 1 not, 77 no DuckDB, or none that can be loaded outside of Python.
"""
import glob
import os
import subprocess
import sys
import sysconfig

try:
    import duckdb
except ImportError:
    print("no duckdb in this Python: skipped")
    sys.exit(77)
folder = os.path.dirname(os.path.dirname(duckdb.__file__))
modules = glob.glob(os.path.join(folder, "_duckdb*.so")) + glob.glob(os.path.join(folder, "duckdb", "duckdb*.so"))
name = sysconfig.get_config_var("INSTSONAME") or ""
pythons = [os.path.join(f, name) for f in (sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("LIBPL"), "/usr/lib/" + (sysconfig.get_config_var("MULTIARCH") or ""))]
pythons = [p for p in pythons if name.find(".so") > 0 and os.path.exists(p)]
if not modules or not pythons:
    print("DuckDB's module or Python's shared library is not to be found: skipped")
    sys.exit(77)
for query, wanted in ((None, 0), ("select i::float as x, (i * 2)::bigint as y from range(5000) t(i)", 0), ("select nonsense", 1)):
    made = subprocess.run(
        [sys.argv[1], modules[0], *([query] if query else [])],
        env={**os.environ, "LD_PRELOAD": pythons[0]},
        capture_output=True,
        text=True,
    )
    print(made.stdout + made.stderr, end="")
    if "1.4 or newer is wanted" in made.stderr:
        print(f"DuckDB {duckdb.__version__} is too old: skipped")
        sys.exit(77)
    if made.returncode != wanted:
        print(f"{query}: it ends with {made.returncode}, not {wanted}")
        sys.exit(1)
