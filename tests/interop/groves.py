"""grove_data by ctypes: the few calls that the tests beside other programs need."""
import ctypes
from ctypes import POINTER, byref, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p


class Error(ctypes.Structure):
    _fields_ = [
        ("status", c_int32),
        ("restarts", c_uint32),
        ("at", c_int64),
        ("who", c_uint64 * 2),
        ("method", c_char * 40),
        ("text", c_char * 440),
    ]


class Source(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("bytes", c_uint64), ("user", c_void_p), ("read_at", c_void_p), ("close", c_void_p), ("version", c_void_p), ("will_read", c_void_p)]


class ReadOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("no_crc", c_uint32),
        ("batch_rows", c_uint32),
        ("int96_overflow", c_uint32),
        ("memory_bytes", c_uint64),
        ("columns", POINTER(c_char_p)),
        ("rule", c_char_p),
        ("allocator", c_void_p),
        ("work", c_void_p),
        ("formats", POINTER(c_char_p)),
    ]


class WriteOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("codec", c_uint32),
        ("level", c_uint32),
        ("group_rows", c_uint32),
        ("allocator", c_void_p),
        ("no_crc", c_uint32),
        ("no_dictionary", c_uint32),
        ("no_statistics", c_uint32),
        ("no_page_index", c_uint32),
        ("page_rows", c_uint32),
        ("metadata", POINTER(c_char_p)),
        ("sorted", POINTER(c_char_p)),
        ("page_version", c_uint32),
        ("bloom_false_ppm", c_uint32),
        ("bloom", POINTER(c_char_p)),
    ]


def capsule(struct, name):
    """What the Arrow PyCapsule protocol hands over. The consumer moves the struct; it must outlive the capsule."""
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [c_void_p, c_char_p, c_void_p]
    return make(ctypes.addressof(struct), name, None)


def release(structs):
    """Of those that a consumer only looked at."""
    for struct in structs:
        at = {80: 64, 72: 56, 40: 24}[len(struct)]
        function = c_void_p.from_buffer(struct, at).value
        if function:
            ctypes.CFUNCTYPE(None, c_void_p)(function)(ctypes.addressof(struct))
    structs.clear()


class Offered:
    """A grove table for any consumer of Arrow's C Data Interface. The table stays the caller's."""

    def __init__(self, grove, table):
        self.grove, self.table, self.structs = grove, table, []

    def __arrow_c_array__(self, requested_schema=None):
        array, schema, err = ctypes.create_string_buffer(80), ctypes.create_string_buffer(72), Error()
        self.grove.check(self.grove.model.grove_table_export(self.table, array, schema, byref(err)), err)
        self.structs += [array, schema]
        return capsule(schema, b"arrow_schema"), capsule(array, b"arrow_array")


class Streamed:
    """A Parquet file for any consumer of Arrow's C Stream Interface; it must be open as long."""

    def __init__(self, file):
        self.file, self.structs = file, []

    def __arrow_c_stream__(self, requested_schema=None):
        out = self.file.stream_struct()
        self.structs.append(out)
        return capsule(out, b"arrow_array_stream")


class LinesOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("form", c_uint32), ("delimiter", c_uint32), ("quote", c_uint32), ("no_header", c_uint32), ("put", c_void_p), ("user", c_void_p), ("allocator", c_void_p)]


class Failed(Exception):
    pass


def texts(values):
    return (c_char_p * (len(values) + 1))(*[v.encode() for v in values], None)


class Grove:
    """Tables go in and out as anything that speaks Arrow's C interfaces; pyarrow is the other side here."""

    def __init__(self, folder):
        import glob
        import os

        def load(name):
            found = sorted(glob.glob(os.path.join(folder, f"lib{name}.so*")))
            return ctypes.CDLL(found[0], mode=ctypes.RTLD_GLOBAL)

        load("grove")
        self.model = load("grove_model")
        self.data = load("grove_data")

    def check(self, status, err):
        if status:
            raise Failed(f"{status}: {err.text.decode(errors='replace')}")

    def import_batch(self, batch):
        """A grove table of a pyarrow RecordBatch."""
        array, schema = (ctypes.create_string_buffer(80), ctypes.create_string_buffer(72))
        batch._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
        table, err = c_void_p(), Error()
        status = self.model.grove_table_import(array, schema, byref(table), byref(err))
        for struct, release_at in ((array, 64), (schema, 56)):
            release = ctypes.c_void_p.from_buffer(struct, release_at).value
            if status and release:
                ctypes.CFUNCTYPE(None, c_void_p)(release)(ctypes.addressof(struct))
            elif release:
                raise Failed("import did not move the struct in")
        self.check(status, err)
        return table

    def import_stream(self, reader, memory=0):
        """A grove table of anything with __arrow_c_stream__."""
        capsule = reader.__arrow_c_stream__()
        get = ctypes.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = c_void_p, [ctypes.py_object, c_char_p]
        table, err = c_void_p(), Error()
        stream = c_void_p(get(capsule, b"arrow_array_stream"))
        self.check(self.model.grove_table_import_stream(stream, c_uint64(memory), byref(table), byref(err)), err)
        return table

    def export(self, table):
        """A pyarrow RecordBatch of a grove table; the table is released, the batch keeps what it needs."""
        import pyarrow

        array, schema, err = ctypes.create_string_buffer(80), ctypes.create_string_buffer(72), Error()
        self.check(self.model.grove_table_export(table, array, schema, byref(err)), err)
        self.model.grove_table_release(table)
        return pyarrow.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))

    def lines(self, table, form):
        """A table as CSV (0) or JSON lines (1)."""
        parts = []
        put = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, c_void_p)(lambda user, p, n, err: parts.append(ctypes.string_at(p, n)) or 0)
        array, schema, lines, err = ctypes.create_string_buffer(80), ctypes.create_string_buffer(72), c_void_p(), Error()
        self.check(self.model.grove_table_export(table, array, schema, byref(err)), err)
        o = LinesOptions(struct_size=ctypes.sizeof(LinesOptions), form=form, put=ctypes.cast(put, c_void_p))
        try:
            self.check(self.model.grove_lines_create(schema, byref(o), byref(lines), byref(err)), err)
            self.check(self.model.grove_lines_put(lines, array, c_uint64(0), c_uint64(c_int64.from_buffer(array).value), byref(err)), err)
        finally:
            self.model.grove_lines_destroy(lines)
            release([array, schema])
        return b"".join(parts).decode()

    def write(self, table, path, metadata=(), sorted=(), bloom=(), **options):
        store, writer, err = c_void_p(), c_void_p(), Error()
        o = WriteOptions(struct_size=ctypes.sizeof(WriteOptions), metadata=texts(metadata), sorted=texts(sorted), bloom=texts(bloom), **options)
        self.check(self.data.grove_store_open(None, byref(store), byref(err)), err)
        try:
            self.check(self.data.grove_store_write(store, path.encode(), byref(writer), byref(err)), err)
            status = self.data.grove_parquet_write(table, byref(o), writer, byref(err))
            closed = self.data.grove_writer_close(writer, 0 if status else 1, None)
            self.check(status or closed, err)
        finally:
            self.data.grove_store_close(store)

    def open(self, path, columns=None, rule=None, formats=None, **options):
        return File(self, path, columns, rule, formats, options)


class File:
    def __init__(self, grove, path, columns, rule, formats, options):
        self.grove, self.source, self.file, self.store = grove, Source(), c_void_p(), c_void_p()
        err = Error()
        self.source.struct_size = ctypes.sizeof(Source)
        o = ReadOptions(struct_size=ctypes.sizeof(ReadOptions), **options)
        if columns:
            o.columns = texts(columns)
        if rule:
            o.rule = rule.encode()
        if formats:
            o.formats = texts(formats)
        grove.check(grove.data.grove_store_open(None, byref(self.store), byref(err)), err)
        grove.check(grove.data.grove_store_source(self.store, path.encode(), byref(self.source), byref(err)), err)
        grove.check(grove.data.grove_parquet_open(byref(self.source), byref(o), byref(self.file), byref(err)), err)

    def read(self):
        table, err = c_void_p(), Error()
        status = self.grove.data.grove_parquet_read(self.file, c_size_t(0), c_size_t(0), byref(table), byref(err))
        self.grove.check(status, err)
        return self.grove.export(table)

    def stream_struct(self):
        out, err = ctypes.create_string_buffer(40), Error()
        status = self.grove.data.grove_parquet_stream(self.file, c_size_t(0), c_size_t(0), out, byref(err))
        self.grove.check(status, err)
        return out

    def stream(self):
        """A pyarrow RecordBatchReader; the file must outlive it."""
        import pyarrow

        out = self.stream_struct()
        return pyarrow.RecordBatchReader._import_from_c(ctypes.addressof(out))

    def close(self):
        self.grove.data.grove_parquet_close(self.file)
        if self.source.close:
            ctypes.CFUNCTYPE(None, c_void_p)(self.source.close)(self.source.user)
        self.grove.data.grove_store_close(self.store)
