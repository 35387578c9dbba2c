// Footers as no writer at hand makes them: what is newer than this reader is left aside, and what lies under it is read.
#include "parquet/footer.h"
#include "parquet/out.h"
#include "parquet_fixture.h"

enum { KIND_VARIANT = 16, KIND_GEOMETRY = 17, KIND_TO_COME = 40 };

static grove__budget budget;

static void put_element(grove__out *o, const char *name, int physical, int repetition, int children,
    int logical)
{
  int last = 0;
  if (physical >= 0) {
    grove__out_int(o, &last, 1, GROVE__THRIFT_I32, physical);
  }
  if (repetition >= 0) {
    grove__out_int(o, &last, 3, GROVE__THRIFT_I32, repetition);
  }
  grove__out_binary(o, &last, 4, name, strlen(name));
  if (children) {
    grove__out_int(o, &last, 5, GROVE__THRIFT_I32, children);
  }
  if (logical) {
    int kind = 0, inner = 0;
    grove__out_field(o, &last, 10, GROVE__THRIFT_STRUCT);
    grove__out_field(o, &kind, logical, GROVE__THRIFT_STRUCT);
    grove__out_int(o, &inner, 1, GROVE__THRIFT_I8, 1); // a variant's version, or what we don't know
    grove__out_stop(o);
    grove__out_stop(o);
  }
  grove__out_stop(o);
}

// A variant, one in a list, a geometry and a kind that nobody has thought of yet.
static void put_schema(grove__out *o, int *last)
{
  grove__out_list(o, last, 2, GROVE__THRIFT_STRUCT, 11);
  put_element(o, "schema", -1, -1, 4, 0);
  put_element(o, "v", -1, GROVE__OPTIONAL, 2, KIND_VARIANT);
  put_element(o, "metadata", GROVE__BYTE_ARRAY, GROVE__REQUIRED, 0, 0);
  put_element(o, "value", GROVE__BYTE_ARRAY, GROVE__OPTIONAL, 0, 0);
  put_element(o, "l", -1, GROVE__OPTIONAL, 1, GROVE__KIND_LIST);
  put_element(o, "list", -1, GROVE__REPEATED, 1, 0);
  put_element(o, "element", -1, GROVE__OPTIONAL, 2, KIND_VARIANT);
  put_element(o, "metadata", GROVE__BYTE_ARRAY, GROVE__REQUIRED, 0, 0);
  put_element(o, "value", GROVE__BYTE_ARRAY, GROVE__OPTIONAL, 0, 0);
  put_element(o, "g", GROVE__BYTE_ARRAY, GROVE__OPTIONAL, 0, KIND_GEOMETRY);
  put_element(o, "k", GROVE__INT64, GROVE__OPTIONAL, 0, KIND_TO_COME);
}

static bytes make_file(void)
{
  grove__out o = {.budget = &budget};
  budget.allocator = grove__allocator_malloc;
  grove__out_bytes(&o, "PAR1", 4);
  int last = 0;
  grove__out_int(&o, &last, 1, GROVE__THRIFT_I32, 2);
  put_schema(&o, &last);
  grove__out_int(&o, &last, 3, GROVE__THRIFT_I64, 0);
  grove__out_list(&o, &last, 4, GROVE__THRIFT_STRUCT, 0);
  grove__out_stop(&o);
  uint32_t n = (uint32_t)o.used - 4;
  grove__out_bytes(&o, &n, 4);
  grove__out_bytes(&o, "PAR1", 4);
  assert_int_equal(o.status, GROVE_OK);
  bytes file = {malloc(o.used), o.used};
  assert_non_null(file.p);
  memcpy(file.p, o.block.p, o.used);
  grove__out_free(&o);
  return file;
}

// A variant's two parts are bytes, and a kind that is not known is its physical type, as a struct's leaves and in lists.
static void what_is_newer_is_read_as_it_lies(void **state)
{
  static const char *const formats[][2] = {
      {"v.metadata", "z"}, {"v.value", "z"}, {"l", "+l"}, {"g", "z"}, {"k", "l"}};
  (void)state;
  bytes file = make_file();
  grove_source source;
  grove_parquet *p = NULL;
  struct ArrowSchema schema;
  grove_error err;
  grove_source_of_memory(file.p, file.n, &source);
  check_ok_err(grove_parquet_open(&source, NULL, &p, &err), &err);
  check_ok_err(grove_parquet_schema(p, &schema, &err), &err);
  assert_int_equal(schema.n_children, 5);
  for (int64_t i = 0; i < schema.n_children; i++) {
    assert_string_equal(schema.children[i]->name, formats[i][0]);
    assert_string_equal(schema.children[i]->format, formats[i][1]);
  }
  const struct ArrowSchema *item = schema.children[2]->children[0];
  assert_string_equal(item->format, "+s");
  assert_int_equal(item->n_children, 2);
  assert_string_equal(item->children[0]->name, "metadata");
  assert_string_equal(item->children[1]->format, "z");
  schema.release(&schema);
  grove_parquet_close(p);
  free(file.p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_newer_is_read_as_it_lies)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
