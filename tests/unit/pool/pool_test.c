// The pool as its callers see it: order, windows, limits, maps.
#include "crew.h"

static void results_come_in_the_order_of_submitting(grove *g, uint64_t seed)
{
  grove_pool *p =
      make_pool(g, (gate_ref){GROVE_NOBODY}, NULL, &(grove_pool_options){GROVE_POOL, .members = 3});
  long n = 20 + (long)(seed % 50);
  assert_false(grove_pool_has_next(p));
  for (long i = 0; i < n; i++) {
    check_ok(crew_square_submit(g, p, i, (uint64_t)i + 100));
  }
  for (long i = 0; i < n; i++) {
    uint64_t tag = 0;
    long out = -1;
    assert_true(grove_pool_has_next(p));
    check_ok(crew_square_get_next(g, p, GROVE_FOREVER, &tag, &out, NULL));
    assert_int_equal(tag, i + 100);
    assert_int_equal(out, i * i);
  }
  assert_false(grove_pool_has_next(p));
  grove_error err;
  check_status(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &(long){0}, &err), GROVE_ENOENT);
  check_contains(err.text, "nothing was submitted");
  grove_pool_destroy(p);
}

static void both_orders_can_be_mixed(grove *g, uint64_t seed)
{
  enum { N = 60 };
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, NULL,
      &(grove_pool_options){GROVE_POOL, .members = 4, .window = 1 + (uint32_t)(seed % 13)});
  bool taken[N] = {false};
  size_t submitted = 0, got = 0;
  for (uint64_t turn = seed; got < N; turn = turn * 6364136223846793005u + 1442695040888963407u) {
    uint64_t tag = N;
    long out = 0;
    if (submitted < N && turn >> 62) {
      check_ok(crew_square_submit(g, p, (long)submitted, submitted));
      submitted++;
    } else if (grove_pool_has_next(p) && turn >> 61 & 1) {
      size_t oldest = 0;
      while (taken[oldest]) {
        oldest++;
      }
      check_ok(crew_square_get_next(g, p, GROVE_FOREVER, &tag, &out, NULL));
      assert_int_equal(tag, oldest);
    } else if (grove_pool_has_next(p)) {
      check_ok(crew_square_get_next_unordered(g, p, GROVE_FOREVER, &tag, &out, NULL));
    }
    if (tag < N) {
      assert_false(taken[tag]);
      assert_int_equal(out, (long)(tag * tag));
      taken[tag] = true;
      got++;
    }
  }
  assert_false(grove_pool_has_next(p));
  grove_pool_destroy(p);
}

static void unordered_results_come_as_they_end(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(g, gate, NULL, &(grove_pool_options){GROVE_POOL, .members = 2});
  uint64_t tag = 0;
  long out = 0;
  check_ok(crew_held_submit(g, p, 1, 1)); // stays until the gate opens
  check_ok(crew_square_submit(g, p, 2, 2));
  check_ok(crew_square_get_next_unordered(g, p, GROVE_FOREVER, &tag, &out, NULL));
  assert_int_equal(tag, 2);
  tag = 77;
  check_status(crew_held_get_next(g, p, 1, &tag, &out, NULL), GROVE_ETIMEDOUT);
  check_status(crew_held_get_next_unordered(g, p, 0, &tag, &out, NULL), GROVE_ETIMEDOUT);
  assert_int_equal(tag, 77);
  unlock(g, gate);
  check_ok(crew_held_get_next(g, p, GROVE_FOREVER, &tag, &out, NULL));
  assert_int_equal(tag, 1);
  grove_pool_destroy(p);
}

static void a_failed_item_is_a_result_with_its_words(grove *g, uint64_t seed)
{
  (void)seed;
  grove_pool *p =
      make_pool(g, (gate_ref){GROVE_NOBODY}, NULL, &(grove_pool_options){GROVE_POOL, .members = 2});
  for (long i = 0; i < 6; i++) {
    check_ok(crew_refuse_submit(g, p, i, (uint64_t)i));
  }
  for (long i = 0; i < 6; i++) {
    uint64_t tag = 99;
    long out = 5;
    grove_error err = {0};
    grove_status s = crew_refuse_get_next(g, p, GROVE_FOREVER, &tag, &out, &err);
    assert_int_equal(tag, i);
    assert_int_equal(out, i % 2 ? 0 : i); // zero after a failure
    check_status(s, (grove_status)(i % 2 ? GROVE_EUSER - 7 : GROVE_OK));
    if (s) {
      char words[32];
      snprintf(words, sizeof words, "item %ld is odd", i);
      check_contains(err.text, words);
      check_contains(err.method, "refuse");
    }
  }
  grove_pool_destroy(p);
}

static void the_window_bounds_what_is_in_flight(grove *g, uint64_t seed)
{
  crew_log *log = &crew_counts;
  uint32_t window = 1 + (uint32_t)(seed % 7);
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, log,
      &(grove_pool_options){GROVE_POOL, .members = 2, .window = window});
  for (int i = 0; i < 40; i++) {
    check_ok(crew_square_submit(g, p, i, 0));
    assert_true(i + 1 - atomic_load(&log->done) <= (int)window);
  }
  grove_pool_destroy(p); // with items in flight and results untaken
}

static void untaken_results_are_limited(grove *g, uint64_t seed)
{
  (void)seed;
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, NULL,
      &(grove_pool_options){GROVE_POOL, .members = 1, .window = 2, .results = 5});
  int submitted = 0;
  grove_status s = GROVE_OK;
  for (; submitted < 100 && !s; submitted += !s) {
    s = crew_square_submit(g, p, submitted, (uint64_t)submitted);
  }
  check_status(s, GROVE_ELIMIT);
  assert_in_range(submitted, 5, 8);
  uint64_t tag;
  long out;
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, &tag, &out, NULL));
  check_ok(crew_square_submit(g, p, 1, 1));
  grove_pool_destroy(p);
}

static void a_full_queue_says_so(grove *g, uint64_t seed)
{
  (void)seed;
  gate_ref gate = gate_spawn(g, GROVE_NONE, NULL);
  grove_pool *p = make_pool(
      g, gate, NULL, &(grove_pool_options){GROVE_POOL, .members = 2, .queue = 3, .window = 100});
  for (int i = 0; i < 8; i++) { // 2 with members, 3 queued, 3 too many
    check_ok(crew_held_submit(g, p, i, (uint64_t)i));
  }
  for (int i = 0; i < 3; i++) {
    uint64_t tag = 0;
    long out;
    grove_error err;
    check_status(crew_held_get_next_unordered(g, p, GROVE_FOREVER, &tag, &out, &err), GROVE_EAGAIN);
    assert_in_range(tag, 5, 7);
    check_contains(err.text, "queue is full: 3 items");
    check_contains(err.text, "limit (queue) is 3");
  }
  unlock(g, gate);
  for (int i = 0; i < 5; i++) {
    uint64_t tag = 9;
    long out;
    check_ok(crew_held_get_next(g, p, GROVE_FOREVER, &tag, &out, NULL));
    assert_int_equal(tag, i);
  }
  grove_pool_destroy(p);
}

static void shared_data_goes_in_and_comes_out(grove *g, uint64_t seed)
{
  (void)seed;
  grove_pool *p =
      make_pool(g, (gate_ref){GROVE_NOBODY}, NULL, &(grove_pool_options){GROVE_POOL, .members = 2});
  for (int i = 0; i < 10; i++) {
    char text[32];
    snprintf(text, sizeof text, "text %d", i); // borrowed: gone when the item is done
    check_ok(crew_echo_submit(g, p, grove_string_of(text), (uint64_t)i));
    text[0] = 'x';
  }
  for (int i = 0; i < 8; i++) { // two are left: their counts go with the pool
    char want[32];
    uint64_t tag;
    grove_string out;
    snprintf(want, sizeof want, "text %d", i);
    if (i == 3) { // taken, but dropped
      check_ok(grove_pool_get_next(g, p, GROVE_FOREVER, &tag, NULL, 0, NULL));
      continue;
    }
    check_ok(crew_echo_get_next(g, p, GROVE_FOREVER, &tag, &out, NULL));
    assert_string_equal(grove_text(out), want);
    grove_release(out.shared);
  }
  grove_pool_destroy(p);
}

static void wrong_sizes_take_nothing(grove *g, uint64_t seed)
{
  (void)seed;
  char small;
  long out;
  uint64_t tag = 3;
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, NULL, NULL);
  check_ok(crew_square_submit(g, p, 5, 1));
  check_status(grove_pool_get_next(g, p, GROVE_FOREVER, &tag, &small, 1, NULL), GROVE_EINVAL);
  assert_int_equal(tag, 3);
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, &tag, &out, NULL));
  assert_int_equal(out, 25);
  grove_pool_destroy(p);
}

static void no_pool_is_one_error_path(grove *g, uint64_t seed)
{
  (void)seed;
  long out;
  grove_ref ref;
  check_status(crew_square_submit(g, NULL, 1, 1), GROVE_ENOMEM);
  check_status(crew_square_get_next(g, NULL, 0, NULL, &out, NULL), GROVE_ENOMEM);
  check_status(crew_square_map(g, NULL, &out, 0, &out, NULL, NULL), GROVE_ENOMEM);
  check_status(grove_pool_push(NULL, GROVE_NOBODY), GROVE_ENOMEM);
  check_status(grove_pool_pop_idle(NULL, &ref), GROVE_ENOMEM);
  check_status(grove_pool_resize(NULL, 3), GROVE_ENOMEM);
  assert_false(grove_pool_has_next(NULL));
  assert_false(grove_pool_has_free(NULL));
  assert_true(grove_ref_equal(grove_pool_ref(NULL), GROVE_NOBODY));
  grove_pool_destroy(NULL);
}

// ---- map ------------------------------------------------------------------------------------------
static void a_map_keeps_order_and_says_what_failed(grove *g, uint64_t seed)
{
  enum { N = 50 };
  long args[N], replies[N];
  grove_status each[N];
  grove_error err = {0};
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, NULL,
      &(grove_pool_options){GROVE_POOL, .members = 3, .window = 1 + (uint32_t)(seed % 9)});
  check_ok(crew_square_submit(g, p, 9, 1)); // beside the map, which must not take its result
  for (long i = 0; i < N; i++) {
    args[i] = i * 2;
    replies[i] = -1;
  }
  check_ok(crew_square_map(g, p, args, N, replies, each, &err));
  for (long i = 0; i < N; i++) {
    assert_int_equal(replies[i], 4 * i * i);
    assert_int_equal(each[i], GROVE_OK);
  }
  args[17] = 17;
  args[40] = 41;
  check_status(
      crew_refuse_map(g, p, args, N, replies, each, &err), (grove_status)(GROVE_EUSER - 7));
  assert_int_equal(err.at, 17);
  check_contains(err.text, "item 17 is odd");
  for (long i = 0; i < N; i++) {
    bool odd = i == 17 || i == 40;
    assert_int_equal(each[i], odd ? GROVE_EUSER - 7 : GROVE_OK);
    assert_int_equal(replies[i], odd ? 0 : 2 * i);
  }
  check_ok(crew_square_map(g, p, args, 0, NULL, NULL, NULL));
  check_ok(crew_square_map(g, p, args, N, NULL, NULL, NULL));
  uint64_t tag = 0;
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, &tag, &replies[0], NULL));
  assert_int_equal(replies[0], 81);
  grove_pool_destroy(p);
}

typedef struct tally {
  int calls, failed, stop_after;
  long sum;
} tally;
static grove_status count_result(
    void *user, size_t index, grove_status s, const void *reply, const grove_error *err)
{
  tally *t = user;
  long out = *(const long *)reply;
  if (s) {
    t->failed++;
    assert_int_equal(out, 0);
    check_contains(err->text, "is odd");
  } else {
    assert_int_equal(out, (long)index);
  }
  t->sum += out;
  return ++t->calls == t->stop_after ? GROVE_EUSER : GROVE_OK;
}

static void map_unordered_hands_over_and_stops(grove *g, uint64_t seed)
{
  long args[20];
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, NULL,
      &(grove_pool_options){GROVE_POOL, .members = 3, .window = 1 + (uint32_t)(seed % 9)});
  for (long i = 0; i < 20; i++) {
    args[i] = i;
  }
  tally t = {0};
  grove_map map = {.method = &crew_refuse_method, .args = args, .n = 20};
  check_ok(grove_pool_map_unordered(g, p, &map, count_result, &t));
  assert_int_equal(t.calls, 20);
  assert_int_equal(t.failed, 10);
  assert_int_equal(t.sum, 90);
  t = (tally){.stop_after = 7};
  check_status(grove_pool_map_unordered(g, p, &map, count_result, &t), GROVE_EUSER);
  assert_int_equal(t.calls, 7);
  grove_pool_destroy(p);
}

// Items that are made one by one, and how far that is ahead of their results.
typedef struct source {
  grove *g;
  size_t made, taken, most_ahead, n; // n: how many there are
  size_t stop_item, stop_result;     // 0: neither ends the map
  bool ordered;
} source;
static grove_status make_item(void *user, size_t index, void *arg)
{
  source *s = user;
  assert_int_equal(index, s->made);
  assert_int_equal(*(long *)arg, 0);
  if (index == s->n) {
    return GROVE_ENOENT;
  }
  s->made++;
  s->most_ahead = s->made - s->taken > s->most_ahead ? s->made - s->taken : s->most_ahead;
  *(long *)arg = (long)index;
  return s->made == s->stop_item ? GROVE_EIO : GROVE_OK;
}
static grove_status take_result(
    void *user, size_t index, grove_status status, const void *reply, const grove_error *err)
{
  source *s = user;
  assert_true(!s->ordered || index == s->taken);
  assert_int_equal(status ? 0 : (long)index, *(const long *)reply);
  assert_int_equal(status != GROVE_OK, err->text[0] != '\0');
  return ++s->taken == s->stop_result ? GROVE_EUSER : GROVE_OK;
}
static void a_lazy_map_makes_no_more_than_it_needs(grove *g, uint64_t seed)
{
  size_t window = 1 + (size_t)(seed % 7);
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, NULL,
      &(grove_pool_options){GROVE_POOL, .members = 3, .window = (uint32_t)window});
  long beside;
  check_ok(crew_square_submit(g, p, 9, 1)); // beside the map, which must not take its result
  for (uint32_t flags = 0; flags <= GROVE_LAZY_ORDERED; flags++) {
    source s = {.g = g, .n = 100, .ordered = flags};
    grove_lazy_map m = {GROVE_LAZY_MAP, .flags = flags, .method = &crew_refuse_method,
        .item = make_item, .result = take_result, .user = &s};
    check_ok(grove_pool_map_lazy(g, p, &m));
    assert_int_equal(s.made, 100);
    assert_int_equal(s.taken, 100);
    assert_true(s.most_ahead <= (flags ? window : 2 * window));
    s = (source){.n = SIZE_MAX, .ordered = flags, .stop_result = 30}; // there is no end to it
    check_status(grove_pool_map_lazy(g, p, &m), GROVE_EUSER);
    assert_int_equal(s.taken, 30);
    s = (source){.n = 100, .ordered = flags, .stop_item = 50};
    check_status(grove_pool_map_lazy(g, p, &m), GROVE_EIO);
    assert_int_equal(s.made, 50);
    s = (source){.n = 0};
    check_ok(grove_pool_map_lazy(g, p, &m));
    assert_int_equal(s.taken, 0);
    m.flags = 2;
    check_status(grove_pool_map_lazy(g, p, &m), GROVE_EINVAL);
    m.flags = flags;
    m.item = NULL;
    check_status(grove_pool_map_lazy(g, p, &m), GROVE_EINVAL);
    m.item = make_item;
    check_status(grove_pool_map_lazy(g, NULL, &m), GROVE_ENOMEM);
  }
  check_status(grove_pool_map_lazy(g, p, NULL), GROVE_EINVAL);
  check_ok(crew_square_get_next(g, p, GROVE_FOREVER, NULL, &beside, NULL));
  assert_int_equal(beside, 81);
  grove_pool_destroy(p);
}

// A count of shared data in an argument goes over to the map, whatever becomes of the item.
static grove_status make_text(void *user, size_t index, void *arg)
{
  source *s = user;
  grove_string *text = arg;
  if (index == s->n) {
    return GROVE_ENOENT;
  }
  s->made++;
  return grove_share_string(s->g, "a text that is shared", text);
}
static grove_status take_text(
    void *user, size_t index, grove_status status, const void *reply, const grove_error *err)
{
  source *s = user;
  (void)index, (void)err;
  assert_true(status || ((const grove_string *)reply)->shared.ptr);
  return ++s->taken == s->stop_result ? GROVE_EUSER : GROVE_OK;
}
static void a_lazy_map_lets_go_of_shared_data(grove *g, uint64_t seed)
{
  grove_pool *p = make_pool(g, (gate_ref){GROVE_NOBODY}, NULL,
      &(grove_pool_options){GROVE_POOL, .members = 2, .window = 1 + (uint32_t)(seed % 5)});
  source s = {.g = g, .n = 20};
  grove_lazy_map m = {GROVE_LAZY_MAP, .method = &crew_echo_method, .item = make_text,
      .result = take_text, .user = &s};
  check_ok(grove_pool_map_lazy(g, p, &m));
  assert_int_equal(s.taken, 20);
  s = (source){.g = g, .n = 20, .stop_result = 3};
  check_status(grove_pool_map_lazy(g, p, &m), GROVE_EUSER);
  grove_pool_destroy(p);
}

int main(int argc, char **argv)
{
  crew_read(argc, argv);
  const struct CMUnitTest tests[] = {
      BOTH(results_come_in_the_order_of_submitting),
      BOTH(both_orders_can_be_mixed),
      BOTH(unordered_results_come_as_they_end),
      BOTH(a_failed_item_is_a_result_with_its_words),
      BOTH(the_window_bounds_what_is_in_flight),
      BOTH(untaken_results_are_limited),
      BOTH(a_full_queue_says_so),
      BOTH(shared_data_goes_in_and_comes_out),
      BOTH(wrong_sizes_take_nothing),
      BOTH(no_pool_is_one_error_path),
      BOTH(a_map_keeps_order_and_says_what_failed),
      BOTH(map_unordered_hands_over_and_stops),
      BOTH(a_lazy_map_makes_no_more_than_it_needs),
      BOTH(a_lazy_map_lets_go_of_shared_data),
  };
  return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
