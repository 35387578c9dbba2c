// Saved models: the same bits back, and no trust in bytes.
#include "model/model_bytes.h"
#include "model_fixture.h"

static const char *const kinds[] = {
    "decision_tree", "random_forest", "gradient_boosting", "linear"};

struct saved {
  unsigned char *bytes;
  size_t n;
};

static struct saved save(const grove_model *m)
{
  struct saved s;
  void *bytes;
  grove_error err = {0};
  check_ok_err(grove_model_save(m, NULL, &bytes, &s.n, &err), &err);
  s.bytes = bytes;
  return s;
}

static struct saved save_small(const char *kind)
{
  grove_table *t = make_problem(4, 60, 0, 1);
  grove_model *m = fit_model(kind,
      kind[0] == 'r' || kind[0] == 'g' ? PARAMETERS({"n_estimators", "3"}, {"max_depth", "3"})
                                       : NULL,
      t, FIT(.seed = 5));
  struct saved s = save(m);
  grove_model_destroy(m);
  grove_table_release(t);
  return s;
}

static void check_refused(const void *bytes, size_t n, grove_status want, const char *words)
{
  grove_error err = {0};
  grove_model *m = (grove_model *)&n;
  check_status(grove_model_load(NULL, bytes, n, &m, &err), want);
  assert_null(m);
  check_contains(err.text, words);
}

static void what_is_saved_comes_back(void **state)
{
  (void)state;
  grove_table *t = make_problem(5, 3000, 0, 2);
  double a[3000], b[3000];
  char was[768], is[768];
  for (size_t k = 0; k < 4; k++) {
    grove_error err = {0};
    grove_model *m = fit_model(kinds[k], NULL, t, FIT(.seed = 3)), *again = NULL;
    struct saved s = save(m), twice = save(m);
    assert_int_equal(s.n, twice.n);
    assert_memory_equal(s.bytes, twice.bytes, s.n);
    check_ok_err(grove_model_load(NULL, s.bytes, s.n, &again, &err), &err);
    check_ok_err(grove_model_predict(m, t, a, 3000, &err), &err);
    check_ok_err(grove_model_predict(again, t, b, 3000, &err), &err);
    assert_memory_equal(a, b, sizeof a);
    assert_string_equal(grove_model_name(again), kinds[k]);
    assert_string_equal(grove_model_feature(again, 3), "d");
    assert_true(score(again, t) == score(m, t)); // the target's name came along
    grove_model_parameters(m, was, sizeof was);
    grove_model_parameters(again, is, sizeof is);
    assert_string_equal(was, is);
    assert_true(grove_model_hash(m) == grove_model_hash(again));
    free(twice.bytes);
    twice = save(again);
    assert_int_equal(s.n, twice.n);
    assert_memory_equal(s.bytes, twice.bytes, s.n);
    free(s.bytes);
    free(twice.bytes);
    grove_model_destroy(m);
    grove_model_destroy(again);
  }
  grove_table_release(t);
}

static void every_cut_is_noticed(void **state)
{
  (void)state;
  for (size_t k = 0; k < 4; k++) {
    struct saved s = save_small(kinds[k]);
    for (size_t n = 0; n < s.n; n++) {
      unsigned char *exact = malloc(n ? n : 1); // so that a read past the end is seen by tools
      memcpy(exact, s.bytes, n);
      check_refused(exact, n, GROVE_ECORRUPT, n < 8 ? "not a grove model" : "cut short");
      free(exact);
    }
    free(s.bytes);
  }
}

static void every_flipped_bit_is_noticed(void **state)
{
  (void)state;
  for (size_t k = 0; k < 4; k++) {
    struct saved s = save_small(kinds[k]);
    for (size_t i = 0; i < s.n * 8; i++) {
      grove_error err = {0};
      grove_model *m;
      s.bytes[i / 8] ^= (unsigned char)(1u << (i % 8));
      grove_status got = grove_model_load(NULL, s.bytes, s.n, &m, &err);
      // A flipped version may look like a later one.
      assert_true(got == GROVE_ECORRUPT || (got == GROVE_ENOTSUP && i / 8 >= 8 && i / 8 < 12));
      s.bytes[i / 8] ^= (unsigned char)(1u << (i % 8));
    }
    free(s.bytes);
  }
}

static void sign(struct saved *s)
{
  grove__hash h = {{0}, 0, 0, {0}};
  grove__hash_add(&h, s->bytes, s->n - 8);
  uint64_t hash = grove__hash_end(&h);
  for (int i = 0; i < 8; i++) {
    s->bytes[s->n - 8 + (size_t)i] = (unsigned char)(hash >> (8 * i));
  }
}

// Damage with a fitting checksum: what loads must still be safe to walk.
static void a_good_checksum_is_not_believed(void **state)
{
  (void)state;
  grove_table *t = make_problem(4, 60, 0, 1);
  uint64_t seed = 99;
  size_t refused = 0, all = 0;
  for (size_t k = 0; k < 4; k++) {
    struct saved s = save_small(kinds[k]);
    unsigned char *whole = malloc(s.n);
    memcpy(whole, s.bytes, s.n);
    for (size_t i = 12; i < s.n - 8; i++) {
      grove_error err = {0};
      grove_model *m;
      double out[60];
      s.bytes[i] = (unsigned char)grove__random_next(&seed);
      sign(&s);
      if (grove_model_load(NULL, s.bytes, s.n, &m, &err) == GROVE_OK) {
        grove_status got = grove_model_predict(m, t, out, 60, &err);
        // Names, or kinds of features that are others now.
        assert_true(got == GROVE_OK || got == GROVE_ENOENT || got == GROVE_EINVAL);
        grove_model_destroy(m);
      } else {
        assert_true(err.text[0] != 0);
        refused++;
      }
      all++;
      memcpy(s.bytes, whole, s.n);
    }
    free(whole);
    free(s.bytes);
  }
  assert_true(refused > all / 20);
  grove_table_release(t);
}

static void other_shapes_are_refused_by_name(void **state)
{
  (void)state;
  const char *json = " {\"learner\":{}}", *text = "tree\nversion=v4\n",
             *ubj = "{L\0\0\0\0\0\0\0\x07learner";
  check_refused(json, strlen(json), GROVE_ENOTSUP, "this looks like an XGBoost JSON model");
  check_refused(text, strlen(text), GROVE_ENOTSUP, "this looks like a LightGBM text model");
  check_refused(ubj, 17, GROVE_ENOTSUP, "this looks like an XGBoost UBJSON model");
  check_refused("PAR1....", 8, GROVE_ECORRUPT, "not a grove model");
  check_refused("", 0, GROVE_ECORRUPT, "not a grove model");
  struct saved s = save_small("linear");
  s.bytes[8] = 4;
  check_refused(
      s.bytes, s.n, GROVE_ENOTSUP, "a model file of version 4; this library reads versions 1 to 3");
  free(s.bytes);
}

// Pieces of any size give one hash.
static void the_hash_does_not_see_pieces(void **state)
{
  (void)state;
  unsigned char b[300];
  uint64_t seed = 4;
  for (size_t i = 0; i < sizeof b; i++) {
    b[i] = (unsigned char)grove__random_next(&seed);
  }
  for (size_t n = 0; n <= sizeof b; n += 7) {
    grove__hash whole = {{0}, 0, 0, {0}}, pieces = whole;
    grove__hash_add(&whole, b, n);
    for (size_t at = 0; at < n;) {
      size_t m = 1 + (size_t)grove__random_below(&seed, 50);
      m = m < n - at ? m : n - at;
      grove__hash_add(&pieces, b + at, m);
      at += m;
    }
    assert_true(grove__hash_end(&whole) == grove__hash_end(&pieces));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_saved_comes_back),
      cmocka_unit_test(every_cut_is_noticed), cmocka_unit_test(every_flipped_bit_is_noticed),
      cmocka_unit_test(a_good_checksum_is_not_believed),
      cmocka_unit_test(other_shapes_are_refused_by_name),
      cmocka_unit_test(the_hash_does_not_see_pieces)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
