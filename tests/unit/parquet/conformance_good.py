"""Writes conformance_good.h: what pyarrow reads in the conformance files, as rows, columns and a digest of all values.

usage: conformance_good.py DATA_DIR > conformance_good.h

conformance_test.c computes the same digest of what grove reads: of each column the sum over its rows of
mix(value ^ mix(row + 1)), where a value's bytes are mixed in eight at a time; of the columns, in order, names and
sums. Leaves of structs are columns named by their path, and so are lists and maps; what is in these is mixed item by
item, that in structs field by field.
"""
import os
import sys

import numpy
import pyarrow
import pyarrow.parquet

FILES = """
taxi/green_tripdata_2022-01 taxi/green_tripdata_2022-02 taxi/green_tripdata_2023-01 taxi/green_tripdata_2023-02
taxi/green_tripdata_2023-03 taxi/green_tripdata_2024-03 taxi/green_tripdata_2025-11 taxi/taxi_zone_lookup
taxi/yellow_2015-06_first10k_reuven
parquet-testing/bad_data/ARROW-GH-43605
parquet-testing/data/: alltypes_dictionary alltypes_plain alltypes_plain.snappy alltypes_tiny_pages
alltypes_tiny_pages_plain binary binary_truncated_min_max byte_array_decimal byte_stream_split.zstd
byte_stream_split_extended.gzip column_chunk_key_value_metadata concatenated_gzip_members
data_index_bloom_encoding_stats data_index_bloom_encoding_with_length datapage_v1-snappy-compressed-checksum
datapage_v1-uncompressed-checksum datapage_v2.snappy datapage_v2_empty_datapage.snappy delta_binary_packed
delta_byte_array delta_encoding_optional_column delta_encoding_required_column delta_length_byte_array
dict-page-offset-zero fixed_length_byte_array fixed_length_decimal fixed_length_decimal_legacy
float16_nonzeros_and_nans float16_zeros_and_nans floating_orders_nan_count geospatial/crs-arbitrary-value
geospatial/crs-default geospatial/crs-geography geospatial/crs-projjson geospatial/crs-srid geospatial/geography-lines
geospatial/geography-points geospatial/geography-polygons geospatial/geospatial-with-nan geospatial/geospatial
hadoop_lz4_compressed hadoop_lz4_compressed_larger int32_decimal int32_with_null_pages
int64_decimal int96_from_spark list_columns lz4_raw_compressed lz4_raw_compressed_larger map_no_value nan_in_stats
nation.dict-malformed nested_lists.snappy nested_maps.snappy nested_structs.rust non_hadoop_lz4_compressed
nonnullable.impala null_list nullable.impala nulls.snappy old_list_structure overflow_i16_page_cnt
page_v2_empty_compressed plain-dict-uncompressed-checksum repeated_no_annotation repeated_primitive_no_list
rle-dict-snappy-checksum rle_boolean_encoding single_nan sort_columns unknown-logical-type
"""


def paths():
    folder = ""
    for word in FILES.split():
        if word.endswith(":"):
            folder = word[:-1]
        else:
            yield f"{folder}{word}.parquet"


def mix(x):
    with numpy.errstate(over="ignore"):
        x = x + numpy.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return x ^ (x >> numpy.uint64(31))


def mix_text(h, text):
    h = mix(h ^ numpy.uint64(len(text)))
    for at in range(0, len(text), 8):
        h = mix(h ^ numpy.uint64(int.from_bytes(text[at : at + 8], "little")))
    return h


def mix_fixed(values):
    """Of an array of shape (rows, width) of bytes."""
    rows, width = values.shape
    padded = numpy.zeros((rows, (width + 7) // 8 * 8), numpy.uint8)
    padded[:, :width] = values
    h = mix(numpy.full(rows, width, numpy.uint64))
    for word in padded.view("<u8").reshape(rows, padded.shape[1] // 8).T:
        h = mix(h ^ word)
    return h


TEXTS = (pyarrow.string(), pyarrow.large_string(), pyarrow.binary(), pyarrow.large_binary())


def hashes(array):
    """One number a row; what stands under nulls is not looked at."""
    kind = array.type
    rows = len(array)
    if pyarrow.types.is_null(kind):
        return numpy.zeros(rows, numpy.uint64)
    if pyarrow.types.is_boolean(kind):
        return mix(array.fill_null(False).to_numpy(zero_copy_only=False).astype(numpy.uint64))
    if kind in TEXTS:
        coded = array.dictionary_encode()
        words = coded.dictionary.cast(pyarrow.binary()).to_pylist()
        of_word = numpy.array([mix_text(numpy.uint64(0), w) for w in words] or [0], numpy.uint64)
        return of_word[coded.indices.fill_null(0).to_numpy()]
    width = kind.byte_width
    buffer = numpy.frombuffer(array.buffers()[1], numpy.uint8) if rows else numpy.zeros(0, numpy.uint8)
    return mix_fixed(buffer[array.offset * width : (array.offset + rows) * width].reshape(rows, width))


def fold(seed, parts):
    h = mix(numpy.uint64(len(parts)) ^ numpy.uint64(seed))
    for part in parts:
        h = mix(h ^ part)
    return h


def hashes_of_fields(fields):
    rows = [rows_of(f) for f in fields]
    return numpy.array([fold(0x73747274, parts) for parts in zip(*rows)], numpy.uint64)


def rows_of(array):
    """One number a row of what may be nested; nulls have theirs."""
    if pyarrow.types.is_map(array.type):
        items, offsets = hashes_of_fields([array.keys, array.items]), array.offsets.to_numpy()
    elif pyarrow.types.is_list(array.type):
        items, offsets = rows_of(array.values), array.offsets.to_numpy()
    elif pyarrow.types.is_struct(array.type):
        items, offsets = hashes_of_fields([array.field(i) for i in range(array.type.num_fields)]), None
    else:
        items, offsets = hashes(array), None
    if offsets is not None:
        items = [fold(0x6C697374, items[a:b]) for a, b in zip(offsets, offsets[1:])]
    value = numpy.array(items, numpy.uint64)
    value[numpy.array(array.is_null(), bool)] = mix(numpy.uint64(0x6E756C6C))
    return value


def leaves(name, array, nulls):
    """Columns of an array, and which rows are null through the structs they stand in."""
    mine = numpy.array(array.is_null()) if len(array) else numpy.zeros(0, bool)
    nulls = nulls | mine
    if pyarrow.types.is_struct(array.type):
        for i, field in enumerate(array.type):
            yield from leaves(f"{name}.{field.name}", array.field(i), nulls)
    else:
        yield name, array, nulls


def digest(table):
    columns = []
    for name, column in zip(table.column_names, table.columns):
        array = column.combine_chunks()
        if isinstance(array, pyarrow.ChunkedArray):
            array = array.chunk(0) if array.num_chunks else pyarrow.array([], array.type)
        columns += leaves(name, array, numpy.zeros(len(array), bool))
    h = numpy.uint64(len(columns))
    for name, array, nulls in columns:
        value = rows_of(array)
        value[nulls] = mix(numpy.uint64(0x6E756C6C))
        rows = mix(numpy.arange(1, len(value) + 1, dtype=numpy.uint64))
        with numpy.errstate(over="ignore"):
            total = mix(value ^ rows).sum(dtype=numpy.uint64)
        h = mix(mix_text(h, name.encode()) ^ total)
    return len(columns), int(h)


print("// path, rows, columns, digest of all values; made of what pyarrow reads by conformance_good.py")
for path in paths():
    file = pyarrow.parquet.ParquetFile(os.path.join(sys.argv[1], path), arrow_extensions_enabled=False)
    table = file.read(use_threads=False)
    if "int96_from_spark" in path:  # nanoseconds wrap there where they don't fit; grove is asked to make those null
        micros = pyarrow.parquet.read_table(os.path.join(sys.argv[1], path), coerce_int96_timestamp_unit="us")
        values = micros["a"].cast(pyarrow.int64()).to_pylist()
        fits = [v if v is not None and abs(v) < 2**63 // 1000 else None for v in values]
        column = pyarrow.array(fits, pyarrow.timestamp("us")).cast(pyarrow.timestamp("ns"))
        table = pyarrow.table({"a": column})
    count, value = digest(table)
    print(f'    {{"{path}", {table.num_rows}, {count}, 0x{value:016x}u}},')
