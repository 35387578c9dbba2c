// Blocks: no two at one place, of every size, from thread to thread, and all memory back in the end; no memory.
#include "base/alloc.h"
#include "check.h"
#include "runtime/blocks.h"
#include <uv.h>

enum { MANY = 1000, SIZES = 6 };
static const size_t size[SIZES] = {1, 64, 65, 128, 256, 5000};

typedef struct bench {
  check_memory memory;
  grove_allocator allocator;
  grove__blocks blocks;
} bench;

static void begin(bench *b)
{
  memset(b, 0, sizeof *b);
  b->allocator = check_allocator(&b->memory);
  check_ok(grove__blocks_init(&b->blocks, &b->allocator, false));
}

static void end(bench *b)
{
  grove__blocks_deinit(&b->blocks);
  assert_int_equal(b->memory.live_bytes, 0);
  assert_int_equal(b->memory.live_blocks, 0);
}

// Writes a block full, so that one that overlaps another shows when that one is read.
static void *take(bench *b, grove__block_cache *c, size_t bytes, unsigned char mark)
{
  unsigned char *x = grove__blocks_take(&b->blocks, c, bytes);
  assert_non_null(x);
  assert_int_equal((uintptr_t)x % 16, 0);
  memset(x, mark, bytes);
  return x;
}

static void give(
    bench *b, grove__block_cache *c, unsigned char *x, size_t bytes, unsigned char mark)
{
  for (size_t i = 0; i < bytes; i++) {
    assert_int_equal(x[i], mark);
  }
  grove__blocks_give(&b->blocks, c, x, bytes);
}

static void round_of(bench *b, grove__block_cache *from, grove__block_cache *to)
{
  static void *block[MANY];
  for (size_t i = 0; i < MANY; i++) {
    block[i] = take(b, from, size[i % SIZES], (unsigned char)i);
  }
  for (size_t i = 0; i < MANY; i++) {
    give(b, to, block[i], size[i % SIZES], (unsigned char)i);
  }
}

static void test_blocks_of_all_sizes(void **state)
{
  (void)state;
  bench b;
  grove__block_cache one = {0}, other = {0};
  begin(&b);
  round_of(&b, &one, &one);
  round_of(&b, NULL, &one);
  round_of(&b, &one, NULL);
  round_of(&b, &other, &one);
  grove__block_cache_empty(&b.blocks, &one);
  grove__block_cache_empty(&b.blocks, &other);
  end(&b);
}

// One only takes and another only gives: what the second has goes back to the first by the depot.
static void test_blocks_travel_without_growth(void **state)
{
  (void)state;
  bench b;
  grove__block_cache from = {0}, to = {0};
  begin(&b);
  round_of(&b, &from, &to);
  size_t peak = b.memory.peak_bytes;
  for (int i = 0; i < 200; i++) {
    round_of(&b, &from, &to);
  }
  // The second round may want more: what the first gave is partly in the giver's cache.
  assert_true(b.memory.peak_bytes <= peak + (size_t)4 * 64 * 1024);
  end(&b);
}

// Messages that are sent one after the other lie one behind the other, but for the first, which lies where the last one did that
// was done with.
static void test_blocks_lie_in_a_row(void **state)
{
  (void)state;
  bench b;
  grove__block_cache c = {0};
  begin(&b);
  if (b.blocks.direct) { // AddressSanitizer
    grove__blocks_deinit(&b.blocks);
    skip();
  }
  for (size_t k = 1; k <= 3; k++) { // of the same page each time
    unsigned char *x[10];
    for (size_t i = 0; i < GROVE__COUNT(x); i++) {
      x[i] = take(&b, &c, 100, (unsigned char)i);
      assert_true(i < 2 || x[i] == x[1] + 128 * (i - 1));
    }
    assert_ptr_equal(grove__block_page_of(x[0]), grove__block_page_of(x[9]));
    for (size_t i = 0; i < GROVE__COUNT(x); i++) {
      memset(x[i], (int)k, 100);
      if (!grove__blocks_give_usual(&c, x[i], 100)) {
        give(&b, &c, x[i], 100, (unsigned char)k);
      }
    }
    assert_ptr_equal(c.last[1], x[0]);
  }
  grove__block_cache_empty(&b.blocks, &c);
  end(&b);
}

// Where each second block stays in use, the others serve: no more memory than twice what is in use, but for what is on its way.
static void test_pages_in_half_use_serve(void **state)
{
  (void)state;
  enum { HALF = 2000 };
  static void *kept[HALF];
  bench b;
  grove__block_cache from = {0}, to = {0};
  begin(&b);
  if (b.blocks.direct) {
    grove__blocks_deinit(&b.blocks);
    skip();
  }
  for (size_t i = 0; i < HALF; i++) {
    kept[i] = take(&b, &from, 64, 1);
    give(&b, &to, take(&b, &from, 64, 2), 64, 2);
  }
  size_t settled = 0;
  for (int round = 0; round < 20; round++) {
    static void *more[HALF / 2];
    for (size_t i = 0; i < HALF / 2; i++) {
      more[i] = take(&b, &from, 64, 3);
    }
    for (size_t i = 0; i < HALF / 2; i++) {
      give(&b, &to, more[i], 64, 3);
    }
    settled = round == 9 ? b.memory.peak_bytes : settled;
  }
  assert_int_equal(b.memory.peak_bytes, settled);
  assert_true(settled <= (size_t)2 * 64 * (HALF + HALF / 2));
  for (size_t i = 0; i < HALF; i++) {
    give(&b, &to, kept[i], 64, 1);
  }
  grove__block_cache_empty(&b.blocks, &from);
  grove__block_cache_empty(&b.blocks, &to);
  end(&b);
}

static void test_no_memory(void **state)
{
  (void)state;
  bench b;
  grove__block_cache c = {0};
  begin(&b);
  b.memory.fail_at = 1;
  assert_null(grove__blocks_take(&b.blocks, &c, 64));
  assert_null(grove__blocks_take(&b.blocks, NULL, 64));
  assert_null(grove__blocks_take(&b.blocks, &c, 5000));
  b.memory.fail_at = 0;
  round_of(&b, &c, &c);
  end(&b);
}

static void test_direct_blocks_are_the_allocators(void **state)
{
  (void)state;
  bench b;
  begin(&b);
  grove__blocks_deinit(&b.blocks);
  check_ok(grove__blocks_init(&b.blocks, &b.allocator, true));
  void *x = take(&b, NULL, 64, 1);
  assert_int_equal(b.memory.live_bytes, 64);
  give(&b, NULL, x, 64, 1);
  assert_int_equal(b.memory.live_bytes, 0);
  end(&b);
}

// ---- threads: a stack of blocks that all push to and take from ------------------------------------

enum { THREADS = 4, ROUNDS = 20000, HEAP = 512 };
typedef struct heap {
  grove__blocks *blocks;
  uv_mutex_t lock;
  unsigned char *block[HEAP];
  size_t count;
} heap;

static void *locked_realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  (void)user;
  (void)old_bytes;
  if (!new_bytes) {
    free(p);
    return NULL;
  }
  return realloc(p, new_bytes);
}

static void exchange(void *arg)
{
  heap *h = arg;
  grove__block_cache cache = {0};
  unsigned random = (unsigned)(uintptr_t)&cache;
  for (int i = 0; i < ROUNDS; i++) {
    unsigned char *mine = NULL, *got = NULL;
    random = random * 1664525u + 1013904223u;
    if (random >> 31) {
      mine = grove__blocks_take(h->blocks, &cache, 100);
      memset(mine, (int)(random >> 24), 100);
    }
    uv_mutex_lock(&h->lock);
    if (mine && h->count < HEAP) {
      h->block[h->count++] = mine;
      mine = NULL;
    } else if (!mine && h->count) {
      got = h->block[--h->count];
    }
    uv_mutex_unlock(&h->lock);
    unsigned char *back = mine ? mine : got;
    if (back) {
      assert_int_equal(back[0], back[99]);
      grove__blocks_give(h->blocks, &cache, back, 100);
    }
  }
  grove__block_cache_empty(h->blocks, &cache);
}

static void test_many_threads(void **state)
{
  (void)state;
  static heap h;
  grove_allocator a = {locked_realloc, NULL};
  grove__blocks blocks;
  uv_thread_t t[THREADS];
  check_ok(grove__blocks_init(&blocks, &a, false));
  memset(&h, 0, sizeof h);
  h.blocks = &blocks;
  assert_int_equal(uv_mutex_init(&h.lock), 0);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(uv_thread_create(&t[i], exchange, &h), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    uv_thread_join(&t[i]);
  }
  while (h.count) {
    grove__blocks_give(&blocks, NULL, h.block[--h.count], 100);
  }
  grove__blocks_deinit(&blocks);
  uv_mutex_destroy(&h.lock);
}

// ---- one opens a page while another lists it anew ------------------------------------------------------

static struct {
  grove__blocks blocks;
  grove__block_cache opens, lists;
  void *last; // of another page, which makes the second tell what it has noted
  _Atomic bool opened;
} turn;

static void open_it(void *user)
{
  (void)user;
  assert_non_null(grove__blocks_take(&turn.blocks, &turn.opens, 64));
  atomic_store_explicit(&turn.opened, true, memory_order_relaxed); // orders nothing: that is the blocks' to do
}
static void list_it(void *user)
{
  (void)user;
  while (!atomic_load_explicit(&turn.opened, memory_order_relaxed)) {
    grove__thread_relax();
  }
  grove__blocks_give(&turn.blocks, &turn.lists, turn.last, 64);
}

// Half of a page is listed by one; he takes it off the list and opens it, and then the other half is listed by another, under no lock that
// the first has had.
static void test_a_page_changes_lists(void **state)
{
  (void)state;
  enum { HALF = 31, EACH = 2 * HALF + 1, MANY_OF_THEM = EACH * 64 };
  static void *x[MANY_OF_THEM];
  grove__block_cache all = {0};
  uv_thread_t t[2];
  memset(&turn, 0, sizeof turn);
  check_ok(grove__blocks_init(&turn.blocks, &grove__allocator_malloc, false));
  if (turn.blocks.direct) {
    grove__blocks_deinit(&turn.blocks);
    skip();
  }
  for (int i = 0; i < MANY_OF_THEM; i++) {
    x[i] = grove__blocks_take(&turn.blocks, &all, 64);
    assert_non_null(x[i]);
  }
  grove__block_page *p = grove__block_page_of(x[0]);
  void *others[2];
  int found = 0; // pages that are noted where that one is
  for (int i = EACH; i < MANY_OF_THEM && found < 2; i += EACH) {
    bool same = grove__block_note(&turn.opens, grove__block_page_of(x[i])) == grove__block_note(&turn.opens, p);
    others[found] = x[i];
    found += same;
  }
  assert_int_equal(found, 2);
  for (int i = 0; i < EACH; i++) {
    assert_ptr_equal(grove__block_page_of(x[i]), p);
    grove__blocks_give(&turn.blocks, i < HALF ? &turn.opens : &turn.lists, x[i], 64);
  }
  grove__blocks_give(&turn.blocks, &turn.opens, others[0], 64);
  assert_ptr_equal(turn.opens.listed[0].first, p);
  turn.last = others[1];
  assert_int_equal(uv_thread_create(&t[0], open_it, NULL), 0);
  assert_int_equal(uv_thread_create(&t[1], list_it, NULL), 0);
  uv_thread_join(&t[0]);
  uv_thread_join(&t[1]);
  assert_ptr_equal(turn.lists.listed[0].first, p);
  assert_ptr_equal(turn.opens.from[0].page, p);
  grove__blocks_deinit(&turn.blocks);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blocks_of_all_sizes),
      cmocka_unit_test(test_blocks_travel_without_growth),
      cmocka_unit_test(test_blocks_lie_in_a_row),
      cmocka_unit_test(test_pages_in_half_use_serve),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_direct_blocks_are_the_allocators),
      cmocka_unit_test(test_many_threads),
      cmocka_unit_test(test_a_page_changes_lists),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
