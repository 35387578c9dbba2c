// Slots: reused, never moved, found by any index, limited; many threads at once; no memory.
#include "check.h"
#include "runtime/slab.h"
#include <uv.h>

typedef struct thing {
  uint32_t slab_word, index;
  atomic_int users;
  uint64_t payload[5];
} thing;
static int inits, deinits, fail_init_at;
static grove_status init_thing(void *object, uint32_t index, void *user)
{
  assert_ptr_equal(user, &inits);
  if (fail_init_at && inits == fail_init_at) {
    return GROVE_ENOMEM;
  }
  ((thing *)object)->index = index;
  inits++;
  return GROVE_OK;
}
static void deinit_thing(void *object)
{
  (void)object;
  deinits++;
}
static void init_slab(grove__slab *s, check_memory *m, uint32_t most)
{
  static grove_allocator a;
  a = check_allocator(m);
  inits = deinits = fail_init_at = 0;
  check_ok(grove__slab_init(s, &a, sizeof(thing), most));
  s->init = init_thing;
  s->deinit = deinit_thing;
  s->user = &inits;
}

static void test_slots(void **state)
{
  (void)state;
  grove__slab s;
  check_memory m = {0};
  enum { MOST = 1000 };
  static thing *t[MOST];
  uint32_t index;
  bool limit;
  init_slab(&s, &m, MOST);
  assert_null(grove__slab_at(&s, 0));
  assert_null(grove__slab_at(&s, UINT32_MAX));
  for (uint32_t i = 0; i < MOST; i++) {
    t[i] = grove__slab_take(&s, &index, &limit);
    assert_non_null(t[i]);
    assert_int_equal(index, i);
    assert_int_equal(t[i]->index, i);
    assert_ptr_equal(grove__slab_at(&s, i), t[i]);
    t[i]->payload[4] = i;
  }
  assert_int_equal(grove__slab_in_use(&s), MOST);
  assert_null(grove__slab_take(&s, &index, &limit));
  assert_true(limit);
  for (uint32_t i = 0; i < MOST; i++) { // nothing has moved
    assert_int_equal(t[i]->payload[4], i);
  }
  grove__slab_give(&s, 500);
  grove__slab_give(&s, 3);
  assert_int_equal(grove__slab_in_use(&s), MOST - 2);
  assert_ptr_equal(grove__slab_at(&s, 3), t[3]); // a stale index leads to the same object
  assert_ptr_equal(grove__slab_take(&s, &index, &limit), t[3]);
  assert_int_equal(t[3]->slab_word, 0);
  assert_ptr_equal(grove__slab_take(&s, &index, &limit), t[500]);
  assert_int_equal(index, 500);
  assert_int_equal(grove__slab_made(&s), MOST);
  grove__slab_deinit(&s);
  assert_int_equal(inits, deinits);
  assert_int_equal(m.live_blocks, 0);
  assert_int_equal(m.live_bytes, 0);
}

static void test_no_memory(void **state)
{
  (void)state;
  for (size_t at = 1; at < 12; at++) {
    grove__slab s;
    check_memory m = {0};
    uint32_t index;
    bool limit = true;
    init_slab(&s, &m, 100000);
    m.fail_at = m.allocations + at;
    int taken = 0;
    while (taken < 100000 && grove__slab_take(&s, &index, &limit)) {
      taken++;
    }
    if (taken < 100000) {
      assert_false(limit);
      m.fail_at = 0;
      assert_non_null(grove__slab_take(&s, &index, &limit)); // and it can go on
    }
    grove__slab_deinit(&s);
    assert_int_equal(inits, deinits);
    assert_int_equal(m.live_bytes, 0);
  }
  grove__slab s; // an object that can't be made
  check_memory m = {0};
  uint32_t index;
  bool limit;
  init_slab(&s, &m, 1000);
  fail_init_at = 2;
  uint32_t taken = 0;
  while (taken < 3 && grove__slab_take(&s, &index, &limit)) {
    taken++;
  }
  assert_true(taken <= 2);
  assert_false(limit);
  fail_init_at = 0;
  assert_non_null(grove__slab_take(&s, &index, &limit));
  assert_int_equal(index, taken); // none was skipped
  grove__slab_deinit(&s);
  assert_int_equal(inits, deinits);
  assert_int_equal(m.live_bytes, 0);
}

// Two caches: what one gives, the slab's others take only after it has given a batch back, or is closed; counts stay exact.
static void test_caches(void **state)
{
  (void)state;
  enum { MANY = 5 * GROVE__SLAB_BATCH };
  grove__slab s;
  grove__slab_cache a = {0}, b = {0};
  check_memory m = {0};
  static thing *t[MANY];
  static uint32_t index[MANY];
  bool limit;
  init_slab(&s, &m, 100000);
  grove__slab_open_cache(&s, &a);
  grove__slab_open_cache(&s, &b);
  for (int i = 0; i < MANY; i++) {
    t[i] = grove__slab_take_by(&s, i % 2 ? &a : &b, &index[i], &limit);
    assert_non_null(t[i]);
    assert_ptr_equal(grove__slab_at(&s, index[i]), t[i]);
    assert_int_equal(t[i]->index, index[i]);
    assert_int_equal(t[i]->slab_word, 0);
    assert_int_equal(t[i]->payload[4], 0); // nobody else has it
    t[i]->payload[4] = 1;
    assert_int_equal(grove__slab_in_use(&s), i + 1);
  }
  assert_int_equal(grove__slab_taken(&s), MANY);
  for (int i = 0; i < MANY; i++) { // one cache gets them all, and keeps no more than two batches
    t[i]->payload[4] = 0;
    grove__slab_give_by(&s, &a, index[i]);
    assert_int_equal(grove__slab_in_use(&s), MANY - i - 1);
    assert_true(a.count < 2 * GROVE__SLAB_BATCH);
  }
  uint32_t made = grove__slab_made(&s);
  for (int i = 0; i < MANY / 2; i++) { // the other one finds them
    assert_non_null(grove__slab_take_by(&s, &b, &index[i], &limit));
  }
  assert_int_equal(grove__slab_made(&s), made);
  grove__slab_close_cache(&s, &a);
  grove__slab_close_cache(&s, &b);
  assert_int_equal(grove__slab_in_use(&s), MANY / 2);
  assert_int_equal(grove__slab_taken(&s), MANY + MANY / 2);
  assert_non_null(grove__slab_take_by(&s, NULL, &index[0], &limit)); // without a cache, as take
  grove__slab_give_by(&s, NULL, index[0]);
  grove__slab_deinit(&s);
  assert_int_equal(inits, deinits);
  assert_int_equal(m.live_bytes, 0);
}

static void test_cache_at_the_end(void **state)
{
  (void)state;
  grove__slab s;
  grove__slab_cache c = {0};
  check_memory m = {0};
  uint32_t index;
  bool limit;
  init_slab(&s, &m, GROVE__SLAB_BATCH + 3); // fewer than two batches
  grove__slab_open_cache(&s, &c);
  for (uint32_t i = 0; i < GROVE__SLAB_BATCH + 3; i++) {
    assert_non_null(grove__slab_take_by(&s, &c, &index, &limit));
  }
  assert_null(grove__slab_take_by(&s, &c, &index, &limit));
  assert_true(limit);
  grove__slab_close_cache(&s, &c);
  grove__slab_deinit(&s);
  for (size_t at = 1; at < 4; at++) { // no memory, and then some
    c = (grove__slab_cache){0};
    init_slab(&s, &m, 100000);
    grove__slab_open_cache(&s, &c);
    fail_init_at = (int)at;
    uint32_t n = 0;
    while (grove__slab_take_by(&s, &c, &index, &limit)) {
      n++;
    }
    assert_false(limit);
    assert_int_equal(n, at);
    fail_init_at = 0;
    assert_non_null(grove__slab_take_by(&s, &c, &index, &limit));
    assert_int_equal(grove__slab_in_use(&s), n + 1);
    grove__slab_close_cache(&s, &c);
    grove__slab_deinit(&s);
  }
  assert_int_equal(m.live_bytes, 0);
}

static grove__slab shared;
static atomic_int wrong;
static void take_and_give(void *user)
{
  grove__slab_cache own = {0}, *cache = user ? &own : NULL; // some have one
  if (cache) {
    grove__slab_open_cache(&shared, cache);
  }
  for (int i = 0; i < 20000; i++) {
    uint32_t index;
    bool limit;
    thing *t = grove__slab_take_by(&shared, cache, &index, &limit);
    if (t) {
      atomic_fetch_add(&wrong, atomic_fetch_add(&t->users, 1) != 0);
      atomic_fetch_add(&wrong, grove__slab_at(&shared, index) != t);
      atomic_fetch_sub(&t->users, 1);
      grove__slab_give_by(&shared, cache, index);
    }
  }
  if (cache) {
    grove__slab_close_cache(&shared, cache);
  }
}
// Hands slots from one cache to another, while somebody counts.
static _Atomic uint32_t handed; // index + 1; 0: none is on its way
static _Atomic bool handing;
static grove__slab_cache giver, receiver;
static void take_and_hand(void *user)
{
  (void)user;
  for (int i = 0; i < 200000; i++) {
    uint32_t index;
    bool limit;
    (void)grove__slab_take_by(&shared, &giver, &index, &limit);
    atomic_store(&handed, index + 1);
    while (atomic_load(&handed)) {}
  }
  atomic_store(&handing, false);
}
static void be_handed(void *user)
{
  (void)user;
  while (atomic_load(&handing)) {
    uint32_t index = atomic_load(&handed);
    if (index) {
      grove__slab_give_by(&shared, &receiver, index - 1);
      atomic_store(&handed, 0);
    }
  }
}
static void test_counting_meanwhile(void **state)
{
  (void)state;
  check_memory m = {0};
  uv_thread_t t[2];
  init_slab(&shared, &m, 100000);
  giver = receiver = (grove__slab_cache){0};
  grove__slab_open_cache(&shared, &receiver);
  grove__slab_open_cache(&shared, &giver); // and so looked at first: what it hands on then is seen twice
  atomic_store(&handing, true);
  assert_int_equal(uv_thread_create(&t[0], take_and_hand, NULL), 0);
  assert_int_equal(uv_thread_create(&t[1], be_handed, NULL), 0);
  while (atomic_load(&handing)) {
    assert_true(grove__slab_in_use(&shared) <= 2 * GROVE__SLAB_BATCH + 1); // what one cache may hand on while it counts
  }
  uv_thread_join(&t[0]);
  uv_thread_join(&t[1]);
  grove__slab_close_cache(&shared, &giver);
  grove__slab_close_cache(&shared, &receiver);
  assert_int_equal(grove__slab_in_use(&shared), 0);
  grove__slab_deinit(&shared);
}

static void test_threads(void **state)
{
  (void)state;
  check_memory m = {0};
  uv_thread_t t[3];
  init_slab(&shared, &m, 2);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(uv_thread_create(&t[i], take_and_give, i ? &t : NULL), 0);
  }
  for (int i = 0; i < 3; i++) {
    uv_thread_join(&t[i]);
  }
  assert_int_equal(wrong, 0);
  assert_int_equal(grove__slab_in_use(&shared), 0);
  grove__slab_deinit(&shared);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slots),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_caches),
      cmocka_unit_test(test_cache_at_the_end),
      cmocka_unit_test(test_counting_meanwhile),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
