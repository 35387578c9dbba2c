// What the Parquet reader and writer say when something is wrong, word for word. Damage is done to files that lie under
// fuzz/seeds/parquet: parquet_damage.h says to which byte, one case for each kind of words. `find` looks for such cases.
#include "golden.h"
#include "nested_table.h"

typedef struct damage {
  const char *file;
  uint32_t at;
  uint8_t value;
} damage;

static const damage damages[] = {
#include "parquet_damage.h"
};
static const char *const seeds[] = {"bloom", "delta", "delta_texts", "flat_v1", "flat_v2",
    "nested_v1", "nested_v2"};

static golden told;

static bytes load_seed(const char *name)
{
  char path[512];
  snprintf(path, sizeof path, "%s/../../fuzz/seeds/parquet/%s", GROVE_TEST_DATA_DIR, name);
  bytes b = load_file(path);
  if (!b.p) {
    fail_msg("no %s", path);
  }
  return b;
}

static grove_status check_file(bytes file, const grove_parquet_options *o, grove_error *err)
{
  grove_source source;
  grove_parquet *p = NULL;
  grove_source_of_memory(file.p, file.n, &source);
  grove_status s = grove_parquet_open(&source, o, &p, err);
  s = s ? s : grove_parquet_check(p, err);
  grove_parquet_close(p);
  return s;
}

static void say_damage(void)
{
  const grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = 16 << 20};
  for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
    const damage *d = &damages[i];
    char name[80];
    bytes file = load_seed(d->file);
    assert_true(d->at < file.n);
    file.p[d->at] = d->value;
    snprintf(name, sizeof name, "%s, byte %u set to %u", d->file, d->at, d->value);
    golden_fails(&told, name, check_file(file, &o, err));
    free(file.p);
  }
}

// ---- questions that can't be answered -------------------------------------------------------------

static grove_status open_with(bytes file, const grove_parquet_options *o, grove_error *err)
{
  return check_file(file, o, err);
}

#define OPENED(name, ...)                                                                          \
  golden_fails(&told, "open, " name,                                                               \
      open_with(file, &(grove_parquet_options){GROVE_PARQUET, __VA_ARGS__}, err))
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void say_options(void)
{
  bytes file = load_seed("flat_v1");
  OPENED("unknown column", .columns = NAMES("ii"));
  OPENED("unknown cast", .columns = NAMES("t"), .formats = NAMES("g"));
  OPENED("rule of no column", .rule = "x > 1");
  OPENED("rule on texts", .rule = "t > 1");
  OPENED("rule that is none", .rule = "i >");
  OPENED("memory", .memory_bytes = 10);
  grove_parquet_options o = {.struct_size = 3};
  golden_fails(&told, "open, struct_size", open_with(file, &o, err));
  free(file.p);
  file = load_seed("nested_v1");
  OPENED("inside of a list", .columns = NAMES("l.list.element"));
  OPENED("cast of a list", .columns = NAMES("l"), .formats = NAMES("g"));
  OPENED("rule on a list", .rule = "l is null");
  free(file.p);
}

static void say_files(void)
{
  static const struct {
    const char *name, *text;
    size_t n;
  } files[] = {{"empty", "", 0}, {"small", "PAR1PAR1", 8}, {"no Parquet", "id,name\n1,two\n3,four\n", 21},
      {"cut", "PAR1 and no more than this", 26}, {"encrypted", "PARE          \1\0\0\0PARE", 22},
      {"footer too long", "PAR1          \xff\0\0\0PAR1", 22},
      {"footer of nothing", "PAR1          \1\0\0\0PAR1", 22}};
  const grove_parquet_options o = {GROVE_PARQUET};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    char name[80];
    uint8_t copy[64];
    memcpy(copy, files[i].text, files[i].n);
    bytes file = {copy, files[i].n};
    snprintf(name, sizeof name, "file, %s", files[i].name);
    golden_fails(&told, name, check_file(file, &o, err));
  }
  grove_parquet *p = NULL;
  golden_fails(&told, "file, no source", grove_parquet_open(NULL, &o, &p, err));
}

static grove_status write_table_to_nowhere(
    const grove_table *t, const grove_parquet_write_options *o, grove_error *err)
{
  grove_store *store = NULL;
  grove_writer *w = NULL;
  char path[64];
  snprintf(path, sizeof path, "/tmp/grove_golden_%ld", (long)getpid());
  check_ok(grove_store_open(NULL, &store, NULL));
  check_ok(grove_store_write(store, path, &w, NULL));
  grove_status s = grove_parquet_write(t, o, w, err);
  check_ok(grove_writer_close(w, 0, NULL));
  grove_store_close(store);
  return s;
}

static grove_status write_one(
    const char *format, const grove_parquet_write_options *o, grove_error *err)
{
  const column_plan plan = {format, 1, 5};
  grove_table *t = random_table(&plan, 1, 10, 1);
  grove_status s = write_table_to_nowhere(t, o, err);
  grove_table_release(t);
  return s;
}

#define WRITTEN(name, format, ...)                                                                 \
  golden_fails(&told, "write, " name,                                                              \
      write_one(format,                                                                            \
          &(grove_parquet_write_options){                                                          \
              .struct_size = sizeof(grove_parquet_write_options), __VA_ARGS__},                    \
          err))

static grove_status write_nested(
    const char *spec, const grove_parquet_write_options *o, grove_error *err)
{
  grove_table *t = nested_table(&spec, 1, 10, 0, 5, 1);
  grove_status s = write_table_to_nowhere(t, o, err);
  grove_table_release(t);
  return s;
}

static grove_status write_empty_struct(grove_error *err)
{
  grove__column c = {.name = "s", .format = "+s"};
  grove_table *t = NULL;
  check_ok(grove__table_build(&grove__allocator_malloc, &c, 1, 3, &t, NULL));
  grove_status s = write_table_to_nowhere(t, NULL, err);
  grove_table_release(t);
  return s;
}

static void say_nested_writes(void)
{
  char deep[300] = "";
  for (size_t i = 0; i < 50; i++) {
    strcat(deep, "+l(");
  }
  strcat(deep, "l");
  memset(deep + strlen(deep), ')', 50);
  const grove_parquet_write_options sorted = {.struct_size = sizeof sorted, .sorted = NAMES("+m(u;l)")};
  golden_fails(&told, "write, format in a list", write_nested("+l(+s(l;d:5,-2))", NULL, err));
  golden_fails(&told, "write, sorted by a map", write_nested("+m(u;l)", &sorted, err));
  golden_fails(&told, "write, fields of none", write_empty_struct(err));
  // Its name is its spec, of which the error has some.
  golden_fails(&told, "write, too deep", write_nested(deep, NULL, err));
}

static void say_writes(void)
{
  WRITTEN("format", "d:5,-2", .codec = 0);
  WRITTEN("codec", "l", .codec = 7);
  WRITTEN("level", "l", .codec = GROVE_CODEC_ZSTD, .level = 40);
  WRITTEN("page version", "l", .page_version = 3);
  WRITTEN("false positives", "l", .bloom_false_ppm = 900000);
  WRITTEN("bloom", "l", .bloom = NAMES("m"));
  WRITTEN("sorted", "l", .sorted = NAMES("-m"));
  say_nested_writes();
  golden_fails(&told, "write, nothing", grove_parquet_write(NULL, NULL, NULL, err));
}

// A column that is written in one format and asked for in another.
static grove_status read_as(const char *format, const char *as, grove_error *err)
{
  const column_plan plan = {format, 0, UINT64_MAX};
  grove_table *t = random_table(&plan, 1, 3, 1), *got = NULL;
  bytes file = write_table(t, NULL);
  grove_source source;
  grove_parquet *p = NULL;
  grove_source_of_memory(file.p, file.n, &source);
  const grove_parquet_options o = {GROVE_PARQUET, .columns = NAMES(format), .formats = NAMES(as)};
  grove_status s = grove_parquet_open(&source, &o, &p, err);
  s = s ? s : grove_parquet_read(p, 0, 0, &got, err);
  grove_table_release(got);
  grove_parquet_close(p);
  grove_table_release(t);
  free(file.p);
  return s;
}

static void say_casts(void)
{
  golden_fails(&told, "cast, to fewer bits", read_as("l", "s", err));
  golden_fails(&told, "cast, to no integer", read_as("g", "l", err));
  golden_fails(&told, "cast, to a coarser unit", read_as("tsn:", "tss:", err));
  golden_fails(&told, "cast, to a finer unit", read_as("tsm:", "tsn:", err));
  golden_fails(&told, "cast, to a smaller decimal", read_as("d:38,10", "d:9,2", err));
  golden_fails(&told, "cast, instant to time of day", read_as("tsu:", "ttu", err));
  golden_fails(&told, "cast, to a list", read_as("l", "+l", err));
}

static void say_all(void)
{
  golden_open(&told, "parquet");
  say_files();
  say_options();
  say_writes();
  say_casts();
  say_damage();
}

static void word_for_word(void **state)
{
  (void)state;
  say_all();
  golden_close(&told);
}

// ---- looking for cases ----------------------------------------------------------------------------

// A text without its numbers, checksums and names.
static void strip(const char *text, char *out)
{
  bool quoted = false;
  for (; *text; text++) {
    text += strspn(text, "0123456789abcdef") == 8 ? 8 : 0;
    quoted ^= *text == '"';
    if (!quoted && (*text < '0' || *text > '9')) {
      *out++ = *text;
    }
  }
  *out = 0;
}

static void find_cases(void)
{
  enum { KINDS = 400 };
  static char kinds[KINDS][512];
  static const uint8_t values[] = {0, 1, 2, 0x15, 0x7f, 0x80, 0xff};
  const grove_parquet_options o = {GROVE_PARQUET, .memory_bytes = 16 << 20};
  size_t n = 0;
  for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
    bytes file = load_seed(seeds[i]);
    for (uint32_t at = 0; at < file.n; at++) {
      for (size_t v = 0; v < sizeof values; v++) {
        uint8_t old = file.p[at];
        grove_error err = {0};
        char kind[512];
        size_t k = 0;
        file.p[at] = values[v];
        grove_status s = check_file(file, &o, &err);
        file.p[at] = old;
        strip(err.text, kind);
        while (k < n && strcmp(kinds[k], kind) != 0) {
          k++;
        }
        if (s && k == n && n < KINDS) {
          strcpy(kinds[n++], kind);
          printf("    {\"%s\", %u, %u},\n", seeds[i], at, values[v]);
        }
      }
    }
    free(file.p);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(word_for_word)};
  if (argc > 1 && strcmp(argv[1], "find") == 0) {
    puts("// file, byte, value: one for each kind of words; found by `parquet_golden_test find`");
    find_cases();
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "update") == 0) {
    say_all();
    golden_update(&told);
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
