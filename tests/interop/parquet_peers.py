"""grove beside pyarrow, DuckDB and Polars in one process: files both ways, tables both ways.

usage: parquet_peers.py FOLDER_OF_LIBRARIES SCRATCH_FOLDER [SEED [ROUNDS [FOLDER_OF_DATA]]]
Exit codes: 0 all is equal, 1 not, 77 no pyarrow here. Peers that are missing are skipped by name.
"""
import datetime
import decimal
import gc
import io
import itertools
import json
import os
import random
import sys

try:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq
except ImportError:
    print("no pyarrow in this Python: skipped")
    sys.exit(77)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from groves import Failed, Grove, Offered, Streamed, release  # noqa: E402

grove = Grove(sys.argv[1])
scratch = sys.argv[2]
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 1
data = sys.argv[5] if len(sys.argv) > 5 else ""
chance = random.Random(seed)
failures = 0


def peer(name):
    try:
        return __import__(name)
    except ImportError:
        print(f"no {name} in this Python: skipped")
        return None


duckdb, polars = peer("duckdb"), peer("polars")

# ---- values of every type -------------------------------------------------------------------------


def words(n, kinds):
    return ["".join(chance.choice("abcxyzäß€😀") for _ in range(chance.randrange(kinds % 23 + 1))) for _ in range(n)]


def numbers(low, high):
    return lambda n, kinds: [low + chance.randrange(min(kinds, high - low + 1)) * ((high - low) // kinds or 1) for _ in range(n)]


def floats(n, kinds):
    return [chance.choice([0.0, -0.0, float("inf"), float("nan"), chance.randrange(kinds) / 8]) for _ in range(n)]


def decimals(digits, scale):
    return lambda n, kinds: [decimal.Decimal(chance.randrange(-(10**digits) + 1, 10**digits)).scaleb(-scale) for _ in range(n)]


def raw(width):
    return lambda n, kinds: [chance.randrange(kinds).to_bytes(8, "little").ljust(width, b"\x01")[:width] for _ in range(n)]


TYPES = {
    "bool": (pa.bool_(), lambda n, kinds: [chance.random() < 0.5 for _ in range(n)]),
    "i8": (pa.int8(), numbers(-128, 127)),
    "u8": (pa.uint8(), numbers(0, 255)),
    "i16": (pa.int16(), numbers(-(2**15), 2**15 - 1)),
    "u16": (pa.uint16(), numbers(0, 2**16 - 1)),
    "i32": (pa.int32(), numbers(-(2**31), 2**31 - 1)),
    "u32": (pa.uint32(), numbers(0, 2**32 - 1)),
    "i64": (pa.int64(), numbers(-(2**63), 2**63 - 1)),
    "u64": (pa.uint64(), numbers(0, 2**64 - 1)),
    "f32": (pa.float32(), floats),
    "f64": (pa.float64(), floats),
    "text": (pa.string(), words),
    "bytes": (pa.binary(), lambda n, kinds: [w.encode() for w in words(n, kinds)]),
    "fixed": (pa.binary(7), raw(7)),
    "date": (pa.date32(), lambda n, kinds: [datetime.date(1970, 1, 1) + datetime.timedelta(chance.randrange(kinds)) for _ in range(n)]),
    "time": (pa.time64("us"), lambda n, kinds: [datetime.time(chance.randrange(24), 5, 6, chance.randrange(10**6)) for _ in range(n)]),
    "stamp": (pa.timestamp("us"), numbers(-(10**15), 10**15)),
    "utc": (pa.timestamp("ms", "UTC"), numbers(-(10**12), 10**12)),
    "nanos": (pa.timestamp("ns"), numbers(-(10**18), 10**18)),
    "d9": (pa.decimal128(9, 2), decimals(9, 2)),
    "d38": (pa.decimal128(38, 10), decimals(38, 10)),
}
ALSO = ("f16", "t32ms", "t64ns", "date64", "d64", "d256", "utext", "ubytes")  # of MORE, what files have a place for as it is
ENCODINGS = {
    "PLAIN": (*TYPES, *ALSO),
    "DELTA_BINARY_PACKED": ("i8", "u16", "i32", "u32", "i64", "u64", "date", "stamp"),
    "DELTA_LENGTH_BYTE_ARRAY": ("text", "bytes"),
    "DELTA_BYTE_ARRAY": ("text", "bytes", "fixed"),
    "BYTE_STREAM_SPLIT": ("f32", "f64", "i32", "i64", "fixed"),
    "RLE": ("bool",),
    "dictionary": (*(t for t in TYPES if t != "bool"), *ALSO),
}
CODECS = ("none", "snappy", "gzip", "zstd", "lz4", "brotli")


def column(name, rows, nulls, kinds):
    kind, make = TYPES[name] if name in TYPES else MORE[name]
    values = make(rows, kinds)
    mask = [chance.random() < nulls for _ in values]
    return pa.array([None if m else v for v, m in zip(values, mask)], kind)


# ---- comparing ------------------------------------------------------------------------------------


def plain(array):
    """Values that can be compared: NaN as a word, -0 apart from 0, texts of any layout."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type) or pa.types.is_time(array.type) or pa.types.is_duration(array.type):
        array = array.cast(pa.int32() if pa.types.is_time32(array.type) else pa.int64())
    return [repr(v) for v in array.to_pylist()]


def compare(what, got, want, names=None):
    global failures
    for name in names or want.column_names:
        a, b = plain(got.column(name)), plain(want.column(name))
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            failures += 1
            print(f"{what}: column {name}, row {at} of {len(b)}: {a[at:at + 1]} should be {b[at:at + 1]} (seed {seed})")
            return


def attempt(what, do):
    global failures
    try:
        return do()
    except (Failed, pa.ArrowInvalid, OSError) as e:
        failures += 1
        print(f"{what}: {e} (seed {seed})")


# ---- pyarrow writes, grove reads ------------------------------------------------------------------


def differential():
    files = 0
    for encoding, names in ENCODINGS.items():
        for codec, version, nulls in itertools.product(CODECS, ("1.0", "2.0"), (0, 0.3, 1)):
            rows = chance.choice([1, 7, 100, 1000])
            kinds = chance.choice([1, 3, 100, 10**6])
            table = pa.table({n: column(n, rows, nulls, kinds) for n in names})
            if nulls == 0:
                table = table.cast(pa.schema([f.with_nullable(False) for f in table.schema]))
            path = os.path.join(scratch, "theirs.parquet")
            use = {"use_dictionary": True} if encoding == "dictionary" else {"use_dictionary": False, "column_encoding": encoding}
            pq.write_table(
                table,
                path,
                compression=codec,
                data_page_version=version,
                row_group_size=chance.choice([3, 50, 10**6]),
                data_page_size=chance.choice([64, 10**6]),
                write_page_index=chance.random() < 0.5,
                write_page_checksum=chance.random() < 0.5,
                store_schema=False,
                **use,
            )
            what = f"{encoding}, {codec}, pages {version}, nulls {nulls}, {rows} rows"
            try:
                file = grove.open(path, batch_rows=chance.choice([1, 13, 16384]))
            except Failed as e:
                print(f"{what}: {e}")
                global failures
                failures += 1
                continue
            if codec in ("lz4", "brotli"):
                try:
                    file.read()
                except Failed as e:
                    if "without its library" in str(e):
                        continue
            got = attempt(what, file.read)
            if got is not None:
                compare(what, pa.Table.from_batches([got]), table)
            got = attempt(what, lambda: file.stream().read_all())
            if got is not None:
                compare(what + ", streamed", got, table)
            del got
            gc.collect()
            file.close()
            files += 1
    print(f"{files} files of pyarrow are equal in grove")


# ---- lists and maps -------------------------------------------------------------------------------


def some(make, empty=0.2, null=0.2, most=5):
    return lambda: None if chance.random() < null else [] if chance.random() < empty else [make() for _ in range(chance.randrange(1, most))]


def number():
    return None if chance.random() < 0.2 else chance.randrange(-(10**6), 10**6)


def word():
    return None if chance.random() < 0.1 else words(1, 22)[0]


def entry():
    return {"a": number(), "b": some(word)(), "c": {"d": word()} if chance.random() < 0.8 else None}


def pairs():
    return None if chance.random() < 0.2 else [(str(k), number()) for k in range(chance.randrange(4))]


def deep():
    def item():
        return {"m": [(f"{k} {word()}", decimal.Decimal(number() or 0).scaleb(-3)) for k in range(chance.randrange(3))], "t": number()}

    return None if chance.random() < 0.2 else [(k, some(item)()) for k in range(chance.randrange(3))]


ENTRY = pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string())), ("c", pa.struct([("d", pa.string())]))])
NESTED = {
    "list": (pa.list_(pa.int64()), some(number)),
    "lists": (pa.list_(pa.list_(pa.list_(pa.string()))), some(some(some(word)))),
    "structs": (pa.list_(ENTRY), some(lambda: None if chance.random() < 0.1 else entry())),
    "map": (pa.map_(pa.string(), pa.int32()), pairs),
    "maps": (pa.list_(pa.map_(pa.string(), pa.int32())), some(pairs)),
    "required": (pa.list_(pa.field("item", pa.float64(), nullable=False)), some(lambda: chance.random(), null=0)),
    "record": (ENTRY, lambda: None if chance.random() < 0.2 else entry()),
    "large": (pa.large_list(pa.large_string()), some(word)),
    "pair": (pa.list_(pa.int16(), 2), lambda: None if chance.random() < 0.3 else [chance.randrange(99), None]),
    "flags": (pa.list_(pa.bool_()), some(lambda: chance.choice([True, False, None]))),
    "deep": (pa.map_(pa.int64(), pa.list_(pa.struct([("m", pa.map_(pa.string(), pa.decimal128(20, 3))), ("t", pa.timestamp("us"))]))), deep),
    "long": (pa.list_(pa.int32()), some(number, null=0.9, most=200)),  # rows that go from page to page
    "plain": (pa.int32(), number),
}


def nested_table(rows):
    columns = {n: pa.array([make() for _ in range(rows)], kind) for n, (kind, make) in NESTED.items()}
    return pa.table({**columns, "row": range(rows)})


DELTAS = {
    "list.list.element": "DELTA_BINARY_PACKED",
    "lists.list.element.list.element.list.element": "DELTA_BYTE_ARRAY",
    "map.key_value.key": "DELTA_LENGTH_BYTE_ARRAY",
    "required.list.element": "BYTE_STREAM_SPLIT",
    "long.list.element": "DELTA_BINARY_PACKED",
    "record.a": "DELTA_BINARY_PACKED",
}


def leaves(table):
    """As grove reads it: structs outside of lists are columns of their leaves."""
    while any(pa.types.is_struct(f.type) for f in table.schema):
        table = table.flatten()
    return table


def skip_pages(what, path, table):
    """Ranges of rows, so that whole pages of lists are passed over, wherever rows begin in them."""
    row = table.column("row").to_pylist()
    for batch in (1, 10, 100):
        low = chance.randrange(len(row))
        high = low + chance.choice([0, 3, len(row) // 3])
        file = grove.open(path, rule=f"row >= {low} and row <= {high} or row == {len(row) - 1}", batch_rows=batch)
        got = attempt(what, lambda: file.stream().read_all())
        if got is not None:
            keep = lambda t: t.filter(pa.array([low <= v <= high or v == len(row) - 1 for v in t.column("row").to_pylist()], pa.bool_()))
            compare(what + f", rows {low} to {high} by {batch}", keep(got), leaves(keep(table)))
        del got
        gc.collect()
        file.close()


def leaf_rules(what, path, table):
    """Rules on a leaf of a struct, whose pages, bounds and nulls are those of the leaf, be it null itself or its struct."""
    flat = leaves(table)
    values = flat.column("record.a").to_pylist()
    middle = sorted(v for v in values if v is not None)[len([v for v in values if v is not None]) // 2] if any(v is not None for v in values) else 0
    for rule, fits in (
        (f'"record.a" > {middle}', lambda v: v is not None and v > middle),
        (f'"record.a" == {middle}', lambda v: v == middle),
        ('"record.a" is null', lambda v: v is None),
        ('"record.a" is not null', lambda v: v is not None),
    ):
        file = grove.open(path, rule=rule, batch_rows=chance.choice([1, 10, 100]))
        got = attempt(what, lambda: file.stream().read_all())
        if got is not None:
            keep = lambda t: t.filter(pa.array([fits(v) for v in t.column("record.a").to_pylist()], pa.bool_()))
            compare(f"{what}, rule {rule}", keep(got), keep(flat))
        del got
        gc.collect()
        file.close()


def nested():
    path = os.path.join(scratch, "nested.parquet")
    files = 0
    for codec, version, rows in itertools.product(("none", "snappy", "zstd"), ("1.0", "2.0"), (1, 40, 3000)):
        table = nested_table(rows)
        pq.write_table(
            table,
            path,
            compression=codec,
            data_page_version=version,
            row_group_size=chance.choice([7, 500, 10**6]),
            data_page_size=chance.choice([64, 5000]),
            write_page_index=chance.random() < 0.5,
            store_schema=False,
            **chance.choice([{"use_dictionary": True}, {"use_dictionary": False}, {"use_dictionary": False, "column_encoding": DELTAS}]),
        )
        what = f"nested, {codec}, pages {version}, {rows} rows"
        file = grove.open(path, batch_rows=chance.choice([1, 13, 16384]))
        got = attempt(what, file.read)
        if got is not None:
            compare(what, pa.Table.from_batches([got]), leaves(table))
        got = attempt(what, lambda: file.stream().read_all())
        if got is not None:
            compare(what + ", streamed", got, leaves(table))
        file.close()
        file = grove.open(path, rule="plain > 0", batch_rows=3)  # lists are passed over where no row matches
        got = attempt(what, lambda: file.stream().read_all())
        if got is not None:
            keep = [v is not None and v > 0 for v in got.column("plain").to_pylist()]
            want = table.filter(pa.array([v is not None and v > 0 for v in table.column("plain").to_pylist()]))
            compare(what + ", by a rule", got.filter(pa.array(keep, pa.bool_())), leaves(want))
        del got
        gc.collect()
        file.close()
        skip_pages(what, path, table)
        leaf_rules(what, path, table)
        files += 1
    table = nested_table(200)
    batch = table.combine_chunks().to_batches()[0]
    part = batch.slice(13, 57)
    compare("nested in and out", grove.export(grove.import_batch(batch)), table)
    compare("nested in and out, a slice", grove.export(grove.import_batch(part)), pa.Table.from_batches([part]))
    whole = pa.Table.from_batches([batch, part, batch.slice(0, 0)])
    compare("a nested stream of pyarrow", grove.export(grove.import_stream(whole)), whole)
    if polars:
        frame = polars.from_arrow(table.select(["list", "lists", "structs", "plain"]))
        compare("a nested stream of Polars", grove.export(grove.import_stream(frame)), frame.to_arrow())
    if duckdb:
        offered = table.select(["list", "lists", "structs", "plain"])
        got = duckdb.connect().sql("select * from offered")
        compare("a nested stream of DuckDB", grove.export(grove.import_stream(got)), offered)
    print(f"{files} files of lists and maps are equal in grove")


# ---- grove writes, they read ----------------------------------------------------------------------


def written_nested():
    """Lists, maps and structs of grove, read by the others."""
    forms = [
        {},
        {"page_version": 2},
        {"codec": 1, "group_rows": 40, "page_rows": 7},
        {"codec": 2, "no_dictionary": 1, "group_rows": 333, "page_version": 2, "page_rows": 20},
        {"no_crc": 1, "no_statistics": 1, "no_page_index": 1, "group_rows": 1},
        {"bloom": ["list", "plain", "lists", "map"], "sorted": ["plain"]},
    ]
    path = os.path.join(scratch, "ours_nested.parquet")
    for form, rows in itertools.product(forms, (1, 60, 3000)):
        table = nested_table(rows if form.get("group_rows") != 1 else min(rows, 60))
        batch = table.combine_chunks().to_batches()[0]
        if chance.random() < 0.5:  # offsets that don't begin at 0, and bits that don't begin at a byte
            batch = batch.slice(chance.randrange(len(batch)))
            table = pa.Table.from_batches([batch])
        grove_table = grove.import_batch(batch)
        what = f"nested, written with {form}, {rows} rows"
        grove.write(grove_table, path, **form)
        grove.model.grove_table_release(grove_table)
        file = pq.ParquetFile(path, page_checksum_verification=not form.get("no_crc"))
        compare(what + ", pyarrow", file.read(), table)
        for group in range(file.num_row_groups):
            check_nested_metadata(what, file.metadata.row_group(group), form)
        if duckdb:
            got = duckdb.connect().execute(f"select * from read_parquet('{path}')").to_arrow_table()
            compare(what + ", duckdb", got, table)
        if polars:
            got = polars.read_parquet(path).to_arrow()
            maps = pa.types.is_map(got.column("map").type)  # older ones have no maps
            compare(what + ", polars", got, table, [n for n in table.column_names if maps or n not in ("map", "maps", "deep")])
        file = grove.open(path, batch_rows=chance.choice([1, 13, 16384]))
        compare(what + ", grove", file.stream().read_all(), leaves(table))
        gc.collect()
        file.close()
        skip_pages(what, path, table)
        leaf_rules(what, path, table)
    print(f"{len(forms) * 3} nested files of grove are equal in pyarrow{', DuckDB' if duckdb else ''}{', Polars' if polars else ''}")


def check_nested_metadata(what, group, form):
    global failures
    plain = next(i for i in range(group.num_columns) if group.column(i).path_in_schema == "plain")
    paths = [group.column(i).path_in_schema for i in range(group.num_columns)]
    wrong = []
    if "deep.key_value.value.list.element.m.key_value.key" not in paths or "lists.list.element.list.element.list.element" not in paths:
        wrong.append(f"paths {paths}")
    if form.get("sorted") and [s.column_index for s in group.sorting_columns] != [plain]:
        wrong.append(f"sorted by {group.sorting_columns}, not {plain}")
    if wrong:
        failures += 1
        print(f"{what}: {wrong} (seed {seed})")


def written():
    forms = [
        {},
        {"codec": 1, "level": 5, "group_rows": 40, "page_rows": 7},
        {"codec": 2, "no_dictionary": 1, "group_rows": 333},
        {"no_crc": 1, "no_statistics": 1},
        {"no_page_index": 1, "group_rows": 1},
        {"metadata": ["origin", "a test"], "sorted": ["i64", "-text"]},
        {"page_version": 2, "page_rows": 7},
        {"page_version": 2, "codec": 2, "no_dictionary": 1},
        {"bloom": list(t for t in TYPES if t != "bool"), "group_rows": 200},
    ]
    path = os.path.join(scratch, "ours.parquet")
    for form in forms:
        for nulls, kinds in ((0, 5), (0.2, 10**6), (1, 1)):
            rows = chance.choice([1, 9, 500])
            table = pa.table({n: column(n, rows, nulls, kinds) for n in TYPES})
            grove_table = grove.import_batch(table.combine_chunks().to_batches()[0])
            grove.write(grove_table, path, **form)
            grove.model.grove_table_release(grove_table)
            what = f"written with {form}, nulls {nulls}"
            theirs = pq.read_table(path, page_checksum_verification=not form.get("no_crc"))
            compare(what + ", pyarrow", theirs, table)
            meta = pq.ParquetFile(path).metadata
            check_metadata(what, meta, form, table)
            if duckdb:
                got = duckdb.connect().execute(f"select * from read_parquet('{path}')").to_arrow_table()
                compare(what + ", duckdb", got, table, [n for n in table.column_names if n not in ("time", "utc")])
            if polars:
                got = polars.read_parquet(path).to_arrow()
                compare(what + ", polars", got, table, [n for n in table.column_names if n not in ("time", "fixed", "d38")])
    print(f"{len(forms) * 3} files of grove are equal in pyarrow{', DuckDB' if duckdb else ''}{', Polars' if polars else ''}")


def filters():
    """Bloom filters of grove, asked by DuckDB: it finds every value that is there, and hardly one that is not."""
    if not duckdb:
        return
    global failures
    path = os.path.join(scratch, "ours.parquet")
    table = pa.table({n: column(n, 3000, 0.1, 10**6) for n in ("i32", "i64", "f64", "text")})
    grove_table = grove.import_batch(table.combine_chunks().to_batches()[0])
    grove.write(grove_table, path, bloom=table.column_names, no_statistics=1, group_rows=1000)
    grove.model.grove_table_release(grove_table)
    base = duckdb.connect()
    try:
        base.execute("select * from parquet_bloom_probe(?, 'i64', 1)", [path])
    except duckdb.Error as e:
        print(f"this DuckDB asks no bloom filters ({type(e).__name__}): skipped")
        return
    for name in table.column_names:
        values = [v for v in table.column(name).to_pylist()[:1000] if v is not None and v == v][:50]
        missed = [v for v in values if base.execute(f"select bloom_filter_excludes from parquet_bloom_probe('{path}', '{name}', ?) where row_group_id = 0", [v]).fetchone()[0]]
        absent = [f"-{i}-" if name == "text" else 10**9 + 7 * i if name != "f64" else 0.123 + i for i in range(200)]
        absent = [v for v in absent if v not in set(table.column(name).to_pylist())]
        kept = [v for v in absent if not base.execute(f"select bloom_filter_excludes from parquet_bloom_probe('{path}', '{name}', ?) where row_group_id = 0", [v]).fetchone()[0]]
        if missed or len(kept) > 20:
            failures += 1
            print(f"filter of {name}: {len(missed)} of {len(values)} values that are there are missed, {len(kept)} of {len(absent)} others kept (seed {seed})")
    print("DuckDB asks the bloom filters of grove")


def check_metadata(what, meta, form, table):
    global failures
    group = meta.row_group(0)
    column = group.column(table.column_names.index("i64"))
    wrong = []
    if form.get("metadata") and (meta.metadata or {}).get(b"origin") != b"a test":
        wrong.append("metadata")
    if form.get("sorted") and [(s.column_index, s.descending) for s in group.sorting_columns] != [
        (table.column_names.index("i64"), False),
        (table.column_names.index("text"), True),
    ]:
        wrong.append("sorted columns")
    if bool(form.get("no_page_index")) == column.has_offset_index:
        wrong.append("page index")
    if not form.get("no_statistics"):
        values = [v for v in table.column("i64")[: group.num_rows].to_pylist() if v is not None]
        if values and (column.statistics.min, column.statistics.max) != (min(values), max(values)):
            wrong.append("statistics")
        if column.statistics.null_count != group.num_rows - len(values):
            wrong.append("null count")
    elif column.statistics and column.statistics.has_min_max:
        wrong.append("statistics that were not asked for")
    if wrong:
        failures += 1
        print(f"{what}: {wrong} (seed {seed})")


# ---- rules ----------------------------------------------------------------------------------------


def rules():
    """Files with page indexes and bloom filters of pyarrow: rows that match come through a rule, all of them."""
    path = os.path.join(scratch, "pruned.parquet")
    n = 20000
    x = sorted(chance.randrange(10**6) for _ in range(n))
    b = [chance.randrange(10**5) for _ in range(n)]
    f = [float("nan") if chance.random() < 0.01 else chance.gauss(0, 1) + i / 1000 for i in range(n)]
    table = pa.table({"x": x, "b": pa.array(b, pa.int32()), "f": pa.array(f, pa.float32()), "row": range(n)})
    bloom = {"bloom_filter_options": {"b": {"ndv": 5000}}}
    common = dict(row_group_size=5000, data_page_size=2000, write_page_index=True, use_dictionary=False)
    try:
        pq.write_table(table, path, **common, **bloom)
    except TypeError:
        print("this pyarrow writes no bloom filters: skipped")
        pq.write_table(table, path, **common)
    absent = next(v for v in range(10**5) if v not in set(b))
    for rule, keep in (
        ("x < 1000", lambda r: r[0] < 1000),
        ("x >= 500000 and x < 500100", lambda r: 500000 <= r[0] < 500100),
        (f"b == {b[777]}", lambda r: r[1] == b[777]),
        (f"b == {absent}", lambda r: False),
        ("f > 21", lambda r: r[2] > 21),
        ("f <= -1 or x == 5", lambda r: r[2] <= -1 or r[0] == 5),
    ):
        global failures
        file = grove.open(path, rule=rule, batch_rows=500)
        got = file.stream().read_all()
        rows = list(zip(*(got.column(c).to_pylist() for c in ("x", "b", "f", "row"))))
        want = {r for r in range(n) if keep((x[r], b[r], table.column("f")[r].as_py()))}
        have = {r[3] for r in rows if keep(r)}
        if want != have:
            failures += 1
            print(f"rule {rule}: {len(have)} rows match, should be {len(want)} (seed {seed})")
        print(f"rule {rule}: {len(rows)} of {n} rows came, {len(want)} match")
        del got
        gc.collect()
        file.close()


# ---- tables ---------------------------------------------------------------------------------------


def both_ways():
    for nulls in (0, 0.3, 1):
        table = pa.table({n: column(n, 101, nulls, 1000) for n in TYPES})
        batch = table.combine_chunks().to_batches()[0]
        compare(f"in and out, nulls {nulls}", grove.export(grove.import_batch(batch)), table)
        part = batch.slice(13, 57)
        compare("in and out, a slice", grove.export(grove.import_batch(part)), pa.Table.from_batches([part]))
        column_of = grove.export(grove.import_batch(batch)).column(5)  # moved out: the rest is released
        gc.collect()
        compare("a column that outlives its batch", pa.table({"i32": column_of}), table, ["i32"])
        coded = pa.record_batch({"d": batch.column("text").dictionary_encode(), "v": batch.column("text").cast(pa.string_view())})
        want = pa.table({"d": batch.column("text"), "v": batch.column("text")})
        compare("dictionaries and views", grove.export(grove.import_batch(coded.slice(3))), want.slice(3))
        got = grove.export(grove.import_stream(pa.Table.from_batches([batch, part])))
        compare("a stream of pyarrow", got, pa.Table.from_batches([batch, part]))
        if polars:
            frame = polars.from_arrow(table.drop_columns(["fixed", "d38", "d9"]))
            names = [c for c in frame.columns if c != "time"]
            compare("a stream of Polars", grove.export(grove.import_stream(frame)), frame.to_arrow(), names)
        if duckdb:
            names = [n for n in TYPES if n not in ("fixed", "time", "nanos", "utc")]
            offered = table.select(names)
            got = duckdb.connect().sql("select * from offered")
            compare("a stream of DuckDB", grove.export(grove.import_stream(got)), offered)


# What Arrow has beside what a Parquet file of ours has: units, widths, layouts.
MORE = {
    "f16": (pa.float16(), lambda n, kinds: [chance.choice([0.0, -0.0, 0.5, 65504.0, float("inf"), -2.0]) for _ in range(n)]),
    "null": (pa.null(), lambda n, kinds: [None] * n),
    "utext": (pa.large_string(), words),
    "ubytes": (pa.large_binary(), TYPES["bytes"][1]),
    "date64": (pa.date64(), TYPES["date"][1]),
    "t32s": (pa.time32("s"), numbers(0, 86399)),
    "t32ms": (pa.time32("ms"), numbers(0, 86399999)),
    "t64ns": (pa.time64("ns"), numbers(0, 86399999999999)),
    "ts_s": (pa.timestamp("s", "Europe/Berlin"), numbers(-(10**9), 10**9)),
    "span_s": (pa.duration("s"), numbers(-(10**9), 10**9)),
    "span_us": (pa.duration("us"), numbers(-(10**12), 10**12)),
    "d32": (pa.decimal32(7, 2), decimals(7, 2)),
    "d64": (pa.decimal64(15, 3), decimals(15, 3)),
    "d256": (pa.decimal256(60, 5), decimals(60, 5)),
    "views": (pa.string_view(), words),
    "bviews": (pa.binary_view(), TYPES["bytes"][1]),
    "fixed0": (pa.binary(16), raw(16)),
}


def every_layout():
    """Each type of MORE and the nested ones in and out, whole and sliced; each kind of code of dictionaries."""
    for nulls in (0, 0.3, 1):
        arrays = {}
        for name, (kind, make) in MORE.items():
            values = make(103, 1000)
            arrays[name] = pa.array([None if chance.random() < nulls else v for v in values], kind)
        batch = pa.record_batch(arrays)
        for part in (batch, batch.slice(13, 57), batch.slice(8, 64), batch.slice(5, 0)):
            compare(f"every layout, nulls {nulls}, {len(part)} rows", grove.export(grove.import_batch(part)), pa.Table.from_batches([part]))
        words_of = column("text", 90, nulls, 20)
        coded = {str(kind): pa.DictionaryArray.from_arrays(words_of.dictionary_encode().indices.cast(kind), words_of.dictionary_encode().dictionary) for kind in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64())}
        for name in ("i64", "f64", "d38", "bool", "stamp", "bytes"):
            values = column(name, 7, 0.3, 1000)  # some of a dictionary's values are null
            codes = pa.array([None if chance.random() < nulls else chance.randrange(7) for _ in range(90)], pa.int16())
            coded[name] = pa.DictionaryArray.from_arrays(codes, values)
        batch = pa.record_batch(coded)
        for part in (batch, batch.slice(11, 40)):
            compare(f"dictionaries, nulls {nulls}", grove.export(grove.import_batch(part)), pa.Table.from_batches([part]))
    inner = pa.array([[w] * chance.randrange(3) for w in words(40, 20)], pa.list_(pa.string_view()))
    codes = pa.ListArray.from_arrays(pa.array(range(0, 41), pa.int32()), pa.array(words(40, 3)).dictionary_encode())
    batch = pa.record_batch({"views in lists": inner, "codes in lists": codes})
    for part in (batch, batch.slice(7, 20)):
        compare("layouts in lists", grove.export(grove.import_batch(part)), pa.Table.from_batches([part]))
    print("every layout goes both ways")


def handed_over():
    """Tables and files that Polars and DuckDB take by Arrow's C interfaces, with no pyarrow in between."""
    names = [n for n in TYPES if n not in ("fixed", "d38", "d9", "time")]
    flat = pa.table({n: column(n, 500, 0.2, 300) for n in names})
    deep = nested_table(500).select(["list", "lists", "structs", "plain"])
    path = os.path.join(scratch, "handed.parquet")
    for table in (flat, deep):
        grove_table = grove.import_batch(table.combine_chunks().to_batches()[0])
        grove.write(grove_table, path, group_rows=200)
        if polars:
            offered = Offered(grove, grove_table)
            compare("Polars takes a table", polars.DataFrame(offered).to_arrow(), table)
            release(offered.structs)
            file = grove.open(path, batch_rows=90)
            stream = Streamed(file)
            compare("Polars takes a stream", polars.DataFrame(stream).to_arrow(), table, [n for n in table.column_names if n != "utc"])
            release(stream.structs)
            file.close()
        if duckdb:
            file = grove.open(path, batch_rows=90)
            stream = Streamed(file)  # found by its name
            compare("DuckDB takes a stream", duckdb.connect().sql("select * from stream").to_arrow_table(), table, [n for n in table.column_names if n not in ("nanos", "utc")])
            gc.collect()
            release(stream.structs)
            file.close()
        grove.model.grove_table_release(grove_table)
    print("tables and files are handed over")


# ---- shards that drift ----------------------------------------------------------------------------

NUMBERS = {"c": "int8", "C": "uint8", "s": "int16", "S": "uint16", "i": "int32", "I": "uint32", "l": "int64", "L": "uint64", "f": "float32", "g": "float64"}


def fits(value, kind):
    """Whether a number is one of a type exactly; Python compares integers and doubles exactly."""
    if value is None or value != value:
        return value is None or kind.startswith("float")
    if kind.startswith("float"):
        try:
            return pa.scalar(float(value), kind).as_py() == value
        except OverflowError:
            return False
    if value in (float("inf"), float("-inf")) or value != int(value):
        return False
    bits = int(kind.lstrip("uint"))
    return 0 <= value < 2**bits if kind[0] == "u" else -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def drifting():
    """Each type of number read as each other: the same numbers, or an error where one does not fit."""
    global failures
    path = os.path.join(scratch, "drift.parquet")
    tried = refused = 0
    for kind in NUMBERS.values():
        edges = [0, 1, -1, 127, 128, -128, -129, 255, 256, 2**15, 2**16, 2**24, 2**24 + 1, 2**31, 2**32 - 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 0.5, 1e300, float("nan"), float("inf"), None]
        for value in [v for v in edges if fits(v, kind)]:
            real = kind.startswith("float") and value is not None
            pq.write_table(pa.table({"x": pa.array([None, float(value) if real else value], kind)}), path)
            for letter, wanted in NUMBERS.items():
                file, got = grove.open(path, columns=["X"], formats=[letter]), None  # by another case, too
                try:
                    got = file.read().column("X").to_pylist()
                except Failed as e:
                    refused += 1
                    if "does not fit the declared format" not in str(e):
                        failures += 1
                        print(f"{value} of {kind} as {wanted}: {e}")
                tried += 1
                if (got is not None) != fits(value, wanted) or (got is not None and value == value and got != [None, value]):
                    failures += 1
                    print(f"{value!r} of {kind} as {wanted}: {got}")
                file.close()
    print(f"{tried} casts of numbers, {refused} refused")


def taxi():
    """Months whose types and names drift, read by one declared schema."""
    wanted = {"vendorid": ("l", pa.int64()), "passenger_count": ("g", pa.float64()), "ehail_fee": ("g", pa.float64()), "lpep_pickup_datetime": ("tsn:", pa.timestamp("ns")), "store_and_fwd_flag": ("U", pa.large_string()), "trip_distance": ("g", pa.float64())}
    folder = os.path.join(data, "taxi")
    months = [f for f in sorted(os.listdir(folder)) if f.startswith("green")] if data and os.path.isdir(folder) else []
    kinds = set()
    for month in months:
        theirs = pq.read_table(os.path.join(folder, month))
        by_name = {n.lower(): n for n in theirs.column_names}
        kinds.add(str([theirs.schema.field(by_name[n]).type for n in wanted]))
        want = pa.table({n: theirs.column(by_name[n]).cast(kind) for n, (_, kind) in wanted.items()})
        file = grove.open(os.path.join(folder, month), columns=list(wanted), formats=[f for f, _ in wanted.values()])
        got = attempt(month, lambda: file.stream().read_all())
        if got is not None:
            if [got.schema.field(n).type for n in wanted] != [kind for _, kind in wanted.values()]:
                print(f"{month}: {got.schema}")
                global failures
                failures += 1
            compare(f"{month} by a declared schema", got, want)
        del got
        gc.collect()
        file.close()
    print(f"{len(months)} months of {len(kinds)} schemas are read by one" if months else "no taxi months here: skipped")


def jsonable(value):
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    return {k: jsonable(v) for k, v in value.items()} if isinstance(value, dict) else value


def said_in_lines():
    """Nested values as JSON lines, read by Python; flat ones as CSV, read by pyarrow."""
    global failures
    table = nested_table(300).drop_columns(["deep", "required"])
    batch = table.combine_chunks().to_batches()[0].slice(11)
    grove_table = grove.import_batch(batch)
    got = [json.loads(line) for line in grove.lines(grove_table, 1).splitlines()]
    grove.model.grove_table_release(grove_table)
    want = [jsonable(row) for row in batch.to_pylist()]
    if got != want:
        failures += 1
        at = next((i for i, (x, y) in enumerate(zip(got, want)) if x != y), -1)
        print(f"JSON lines, row {at}: {got[at]} should be {want[at]} (seed {seed})")
    names = ["bool", "i8", "u32", "i64", "text", "d38", "date", "stamp"]
    flat = pa.table({n: column(n, 300, 0, 1000) for n in names})
    grove_table = grove.import_batch(flat.combine_chunks().to_batches()[0])
    text = grove.lines(grove_table, 0)
    grove.model.grove_table_release(grove_table)
    options = pyarrow.csv.ConvertOptions(column_types=flat.schema, strings_can_be_null=False)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    compare("CSV", pyarrow.csv.read_csv(io.BytesIO(text.encode()), convert_options=options, parse_options=parse), flat)
    print("lines say what tables do")


def tables():
    global failures
    base = pa.total_allocated_bytes()
    both_ways()
    every_layout()
    handed_over()
    said_in_lines()
    gc.collect()
    if pa.total_allocated_bytes() > base:
        failures += 1
        print(f"{pa.total_allocated_bytes() - base} bytes of pyarrow were never released")
    print("tables go both ways")


for _ in range(rounds):
    differential()
    nested()
    written()
    written_nested()
    filters()
    rules()
    tables()
    drifting()
    taxi()
print(f"{failures} failures")
sys.exit(1 if failures else 0)
