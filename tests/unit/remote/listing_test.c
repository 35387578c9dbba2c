#include "remote/listing.h"
#include "base/alloc.h"
#include "check.h"

typedef struct taken {
  char keys[200];
  uint64_t bytes;
  unsigned n, stop_at;
} taken;

static grove_status take(void *user, const char *key, uint64_t bytes)
{
  taken *t = user;
  size_t n = strlen(t->keys);
  snprintf(t->keys + n, sizeof t->keys - n, "%.100s|", key);
  t->bytes += bytes;
  return ++t->n == t->stop_at ? GROVE_EUSER : GROVE_OK;
}

static const char page[] =
    "<?xml version='1.0'?>\n<ListBucketResult xmlns='x'>\n <KeyCount>2</KeyCount><IsTruncated>true</IsTruncated>\n"
    " <Contents>\n <Key>a&amp;b &lt;&#233;&gt;</Key>\n <Size>12</Size><StorageClass>S</StorageClass></Contents>\n"
    " <CommonPrefixes><Prefix>p</Prefix></CommonPrefixes>\n"
    " <Contents><Size>30</Size><Key><![CDATA[<c>]]></Key></Contents><NextContinuationToken>1/=</NextContinuationToken>"
    "</ListBucketResult>";

static void reads_a_page(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  taken t = {0};
  grove__listing_page p = {.object = take, .user = &t};
  grove_error err = {0};
  check_ok_err(grove__listing_parse(&a, page, sizeof page - 1, &p, &err), &err);
  assert_string_equal(t.keys, "a&b <\xc3\xa9>|<c>|");
  assert_int_equal(t.bytes, 42);
  assert_string_equal(p.next, "1/=");
  grove__free_text(&a, p.next);
  t = (taken){.stop_at = 1};
  check_status(grove__listing_parse(&a, page, sizeof page - 1, &p, &err), GROVE_EUSER);
  assert_int_equal(t.n, 1);
  assert_null(p.next);
  assert_int_equal(m.live_bytes, 0);
}

// Keys as in urls, for what XML can't say; the word for it may stand before or behind them.
static void decodes_keys(void **state)
{
  (void)state;
  static const char *const pages[][2] = {
      {"<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%01%0A+b%2Bc%7f%e9%</Key></Contents></ListBucketResult>",
          "a\x01\n b+c\x7f\xe9%|"},
      {"<ListBucketResult><Contents><Key>%2a+%zz</Key></Contents><EncodingType>url</EncodingType></ListBucketResult>", "* %zz|"},
      {"<ListBucketResult><Contents><Key>a%01+b</Key></Contents></ListBucketResult>", "a%01+b|"},
      {"<ListBucketResult><EncodingType>none</EncodingType><Contents><Key>a%01+b</Key></Contents></ListBucketResult>", "a%01+b|"},
  };
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
    taken t = {0};
    grove__listing_page p = {.object = take, .user = &t};
    check_ok(grove__listing_parse(&a, pages[i][0], strlen(pages[i][0]), &p, NULL));
    assert_string_equal(t.keys, pages[i][1]);
  }
  static const char zero[] =
      "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%00b</Key></Contents></ListBucketResult>";
  taken t = {0};
  grove__listing_page p = {.object = take, .user = &t};
  check_status(grove__listing_parse(&a, zero, sizeof zero - 1, &p, NULL), GROVE_ECORRUPT);
  assert_int_equal(t.n, 0);
  assert_int_equal(m.live_bytes, 0);
}

static void refuses_each_beginning(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  for (size_t n = 0; n < sizeof page - 1; n++) {
    taken t = {0};
    grove__listing_page p = {.object = take, .user = &t};
    char *cut = malloc(n ? n : 1); // its own block, so that a step too far is seen
    memcpy(cut, page, n);
    check_status(grove__listing_parse(&a, cut, n, &p, NULL), GROVE_ECORRUPT);
    assert_null(p.next);
    free(cut);
  }
  assert_int_equal(m.live_bytes, 0);
}

static void survives_any_byte(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  char copy[sizeof page];
  for (size_t i = 0; i < sizeof page - 1; i++) {
    for (int c = 0; c < 256; c += 5) {
      taken t = {0};
      grove__listing_page p = {.object = take, .user = &t};
      memcpy(copy, page, sizeof page);
      copy[i] = (char)c;
      grove_status s = grove__listing_parse(&a, copy, sizeof page - 1, &p, NULL);
      assert_true(s == GROVE_OK || s == GROVE_ECORRUPT);
      grove__free_text(&a, p.next);
    }
  }
  assert_int_equal(m.live_bytes, 0);
}

static void lengthy_texts(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  static char xml[20000];
  static const size_t lengths[] = {1024, 8191, 8192, 12000};
  for (size_t i = 0; i < 4; i++) {
    taken t = {0};
    grove__listing_page p = {.object = take, .user = &t};
    size_t n = (size_t)sprintf(xml, "<ListBucketResult><Contents><Key>");
    memset(xml + n, 'k', lengths[i]);
    n += lengths[i];
    n += (size_t)sprintf(xml + n, "</Key></Contents></ListBucketResult>");
    check_status(grove__listing_parse(&a, xml, n, &p, NULL), lengths[i] < 8192 ? GROVE_OK : GROVE_ECORRUPT);
  }
  size_t n = 0; // deeper than anybody would
  for (int i = 0; i < 5000; i++) {
    n += (size_t)sprintf(xml + n, "<a>");
  }
  taken t = {0};
  grove__listing_page p = {.object = take, .user = &t};
  check_status(grove__listing_parse(&a, xml, n, &p, NULL), GROVE_ECORRUPT);
  assert_int_equal(m.live_bytes, 0);
}

static void finds_texts(void **state)
{
  (void)state;
  check_memory m = {0};
  grove_allocator a = check_allocator(&m);
  static const char xml[] = "<r xmlns:p='x'><p:ETag>&quot;1&quot;</p:ETag><ETag>2</ETag><Empty/></r>";
  char *out;
  check_ok(grove__xml_text(&a, xml, sizeof xml - 1, "ETag", &out));
  assert_string_equal(out, "\"1\"");
  grove__free_text(&a, out);
  check_ok(grove__xml_text(&a, xml, sizeof xml - 1, "Empty", &out));
  assert_string_equal(out, "");
  grove__free_text(&a, out);
  check_ok(grove__xml_text(&a, xml, sizeof xml - 1, "Other", &out));
  assert_null(out);
  check_ok(grove__xml_text(&a, "<a><Code>x</Code", 16, "Code", &out)); // cut afterwards
  assert_null(out);
  check_ok(grove__xml_text(&a, "<a><Code>x</Code><", 18, "Code", &out));
  assert_string_equal(out, "x");
  grove__free_text(&a, out);
  check_ok(grove__xml_text(&a, "no xml", 6, "Code", &out));
  assert_null(out);
  assert_int_equal(m.live_bytes, 0);
  for (m.fail_at = 1; m.fail_at < 3; m.fail_at++) {
    m.allocations = 0;
    check_status(grove__xml_text(&a, xml, sizeof xml - 1, "ETag", &out), GROVE_ENOMEM);
    assert_null(out);
    assert_int_equal(m.live_bytes, 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_page),
      cmocka_unit_test(decodes_keys),
      cmocka_unit_test(refuses_each_beginning),
      cmocka_unit_test(survives_any_byte),
      cmocka_unit_test(lengthy_texts),
      cmocka_unit_test(finds_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
