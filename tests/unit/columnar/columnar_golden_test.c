// What CSV, Arrow import and the writer of lines say when something is wrong, word for word.
#include "golden.h"
#include "nested_fixture.h"

static golden told;

static const char csv_offending_zero[] = "a\nx\0y\n";

#define OPTIONS(...) (&(grove_csv_options){.struct_size = sizeof(grove_csv_options), __VA_ARGS__})

static bool stop_at_once(void *user)
{
  (void)user;
  return true;
}

static void say_csv(void)
{
  static const char *const unknown[] = {"rooms", NULL}, *const twice[] = {"a", "a", NULL};
  static const grove_work stopped = {.struct_size = sizeof stopped, .cancelled = stop_at_once};
  static char long_text[9000 * 2 + 3];
  grove_table *t = NULL;
  memcpy(long_text, "a\n", 2);
  for (size_t i = 0; i < 9000; i++) {
    memcpy(long_text + 2 + 2 * i, "1\n", 3);
  }
  const struct {
    const char *name, *text;
    const grove_csv_options *o;
  } cases[] = {
      {"empty", "", NULL},
      {"empty, no header wanted", "\n\n", OPTIONS(.no_header = 1)},
      {"too few fields", "a,b\n1,2\n3\n", NULL},
      {"too many fields", "a,b\n1,2\n3,4,5,6\n", NULL},
      {"ragged without a header", "1,2\n3\n", OPTIONS(.no_header = 1)},
      {"open quote", "a,b\n1,\"two\n3,4\n", NULL},
      {"text behind a quote", "a,b\n1,\"two\" three\n", NULL},
      {"not UTF-8", "a,b\n1,x\n2,\xff\n", NULL},
      {"not UTF-8 in a name", "a,\xc3(\n1,x\n", NULL},
      {"UTF-16", "\xff\xfe""a", NULL},
      {"a name twice", "a,b,a\n1,2,3\n", NULL},
      {"unknown column", "room,b\n1,2\n", OPTIONS(.columns = unknown)},
      {"column asked for twice", "a,b\n1,2\n", OPTIONS(.columns = twice)},
      {"delimiter a letter", "a", OPTIONS(.delimiter = 'x')},
      {"delimiter the quote", "a", OPTIONS(.delimiter = '"')},
      {"memory", long_text, OPTIONS(.memory_bytes = 100)},
      {"cancelled", long_text, OPTIONS(.work = &stopped)},
      {"struct_size", "a", &(grove_csv_options){.struct_size = 2}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char name[80];
    snprintf(name, sizeof name, "csv, %s", cases[i].name);
    golden_fails(
        &told, name, grove_csv_parse(cases[i].text, strlen(cases[i].text), cases[i].o, &t, err));
  }
  golden_fails(&told, "csv, a zero byte",
      grove_csv_parse(csv_offending_zero, sizeof csv_offending_zero - 1, NULL, &t, err));
  golden_fails(&told, "csv, no such file", grove_csv_read("/nowhere/homes.csv", NULL, &t, err));
  golden_fails(&told, "csv, a folder", grove_csv_read("/", NULL, &t, err));
  golden_fails(&told, "csv, no path", grove_csv_read(NULL, NULL, &t, err));
}

static grove_status import(nested *f, grove_error *err)
{
  grove_table *t = NULL;
  return grove_table_import(&f->array, &f->schema, &t, err);
}

#define BENT(name, change)                                                                         \
  do {                                                                                             \
    nested_init(&f);                                                                               \
    change;                                                                                        \
    golden_fails(&told, "arrow, " name, import(&f, err));                                          \
  } while (0)

static void say_import(void)
{
  static nested f;
  static const int32_t texts[] = {0, 1, 1, 0};
  static const uint8_t odd[] = {0xff, 0xc3, 0x28};
  BENT("released", f.array.release = NULL);
  BENT("no struct", f.schema.format = "l");
  BENT("unknown format", f.list_f.format = "+vl");
  BENT("no format", f.list_f.format = "d:19");
  BENT("missing field", f.in_array_f[1] = NULL);
  BENT("more children than fields", f.array.n_children = 2);
  BENT("negative length", f.array.length = -1);
  BENT("missing array", f.in_array[0] = NULL);
  BENT("too few rows", f.list.length = 2);
  BENT("buffers", f.list.n_buffers = 3);
  BENT("more nulls than rows", f.list.null_count = 7);
  BENT("nulls without validity", f.buffers[1][0] = NULL; f.list.null_count = 1);
  BENT("wrong null count", f.list.null_count = 2);
  BENT("offset below zero", f.outer[0] = -1);
  BENT("falling offsets", f.outer[2] = 1);
  BENT("items missing", f.outer[3] = 4);
  BENT("no values", f.buffers[3][1] = NULL);
  BENT("texts without data", f.buffers[6][2] = NULL);
  BENT("texts fall", memcpy(f.names, texts, sizeof texts));
  BENT("not UTF-8", f.buffers[6][2] = odd);
  BENT("map of one", f.entry_f.n_children = f.entry.n_children = 1);
  BENT("list of two", f.list_f.n_children = 2);
  BENT("too deep", f.in_in_f[0] = &f.in_f);
  BENT("dictionary in the array alone", f.x.dictionary = &f.item);
  BENT("dictionary in the schema alone", f.x_f.dictionary = &f.item_f);
  BENT("codes of a dictionary", f.x_f.dictionary = &f.item_f; f.x.dictionary = &f.item;
       f.x_f.format = "g");
  BENT("a code past its dictionary", f.x_f.dictionary = &f.item_f; f.x.dictionary = &f.item;
       f.item.length = 3; f.outer[3] = 2; f.inner[2] = 3; f.items[2] = 9);
}

static void say_lines(void)
{
  static nested f;
  grove_lines *l = NULL;
  nested_text text;
  grove_lines_options o = {.struct_size = sizeof o, .put = nested_take, .user = &text};
  nested_init(&f);
  golden_fails(&told, "lines, lists in CSV", grove_lines_create(&f.schema, &o, &l, err));
  o.delimiter = '\n';
  golden_fails(&told, "lines, delimiter", grove_lines_create(&f.schema, &o, &l, err));
  o.delimiter = 0;
  o.form = GROVE_LINES_JSON;
  check_ok(grove_lines_create(&f.schema, &o, &l, NULL));
  golden_fails(&told, "lines, rows", grove_lines_put(l, &f.array, 2, 2, err));
  f.map.n_buffers = 1;
  golden_fails(&told, "lines, shape", grove_lines_put(l, &f.array, 0, 3, err));
  grove_lines_destroy(l);
}

static void say_all(void)
{
  golden_open(&told, "columnar");
  say_csv();
  say_import();
  say_lines();
}

static void word_for_word(void **state)
{
  (void)state;
  say_all();
  golden_close(&told);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(word_for_word)};
  if (argc > 1 && strcmp(argv[1], "update") == 0) {
    say_all();
    golden_update(&told);
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
