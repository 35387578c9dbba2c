// Pieces of text, numbers and quoted texts to the byte.
#include "check.h"
#include "watch/emit.h"
#include "written.h"
#include <math.h>

static void quotes(void **state)
{
  (void)state;
  static const struct {
    const char *text, *json, *label;
  } rows[] = {{"", "\"\"", "\"\""}, {"a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
      {"1\n2\t3\x01", "\"1\\n2\\u00093\\u0001\"", "\"1\\n2\t3\x01\""},
      {"</script>", "\"\\u003c/script>\"", "\"</script>\""},
      {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\xb3", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\xb3\"",
          "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\xb3\""},
      // cut off, alone, overlong, a surrogate, beyond the last
      {"\xc3", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\""},
      {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
      {"\x80z", "\"\xef\xbf\xbdz\"", "\"\xef\xbf\xbdz\""},
      {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
      {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
          "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
      {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
          "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (int json = 0; json < 2; json++) {
      written *t = written_new();
      grove__emitter e;
      grove__emit_init(&e, written_put, t);
      grove__emit_quoted(&e, rows[i].text, json);
      check_ok(grove__emit_flush(&e));
      assert_string_equal(t->bytes, json ? rows[i].json : rows[i].label);
      free(t);
    }
  }
}

static void numbers(void **state)
{
  (void)state;
  written *t = written_new();
  grove__emitter e;
  grove__json j = {.to = &e};
  grove__emit_init(&e, written_put, t);
  grove__json_open(&j, NULL, '[');
  grove__json_number(&j, NULL, 0);
  grove__json_number(&j, NULL, UINT64_MAX);
  grove__json_signed(&j, NULL, INT64_MIN);
  grove__json_real(&j, NULL, 0.25);
  grove__json_real(&j, NULL, -1.9996);
  grove__json_real(&j, NULL, -0.0001);
  grove__json_real(&j, NULL, (double)NAN);
  grove__json_real(&j, NULL, 1e300);
  grove__json_open(&j, NULL, '{');
  grove__json_close(&j, '}');
  grove__json_bool(&j, NULL, false);
  grove__json_close(&j, ']');
  grove__emit_text(&e, " ");
  grove__emit_seconds(&e, 1500000000);
  grove__emit_text(&e, " ");
  grove__emit_seconds(&e, 2000000000);
  grove__emit_text(&e, " ");
  grove__emit_seconds(&e, 1);
  check_ok(grove__emit_flush(&e));
  assert_string_equal(t->bytes, "[0,18446744073709551615,-9223372036854775808,0.250,-2,0,null,null,{"
                               "},false] 1.5 2 0.000000001");
  free(t);
}

static void pieces(void **state)
{
  (void)state;
  written *t = written_new();
  grove__emitter e;
  grove__emit_init(&e, written_put, t);
  for (int i = 0; i < 10000; i++) {
    char c = (char)('a' + i % 26);
    grove__emit_put(&e, &c, 1);
  }
  check_ok(grove__emit_flush(&e));
  assert_int_equal(t->used, 10000);
  assert_int_equal(t->pieces, 3);
  for (int i = 0; i < 10000; i++) {
    assert_int_equal(t->bytes[i], 'a' + i % 26);
  }
  free(t);
}

static void addresses(void **state)
{
  (void)state;
  grove_ref r = {UINT64_MAX, 0x1f}, back = {0, 0};
  char words[GROVE__REF_TEXT];
  grove__ref_text(r, words);
  assert_string_equal(words, "ffffffffffffffff-1f");
  assert_true(grove__ref_of_text(words, &back));
  assert_true(grove_ref_equal(r, back));
  static const char *const wrong[] = {"", "-", "1", "1-", "-1", "1-2-3", "1-2 ", "g-1", "1-G",
      "0x1-2", "11111111111111111-1", " 1-2"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_false(grove__ref_of_text(wrong[i], &back));
  }
  assert_true(grove_ref_equal(r, back)); // untouched
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(quotes), cmocka_unit_test(numbers),
      cmocka_unit_test(pieces), cmocka_unit_test(addresses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
