// Blocks in every interleaving of their small cases: what several threads give back of one page is listed by one of them, once, and
// whoever takes the page has what was free of it alone.
#include "explore.h"
#include "runtime/blocks.c"
#include "check.h"
#include <stdlib.h>

enum { SIZE = 2, BYTES = 256, EACH = 15 }; // blocks of a page beside its header; half of them is 7
static struct world {
  grove__blocks b;
  grove__block_cache cache[EXPLORE_THREADS];
  void *block[EACH];
  uint64_t taken; // a bit for each that somebody has
} w;

static void has(void *block)
{
  uint64_t bit = grove__block_bit(block, SIZE);
  EXPLORE_CHECK(grove__block_page_of(block) != grove__block_page_of(w.block[0]) || !(w.taken & bit));
  w.taken |= grove__block_page_of(block) == grove__block_page_of(w.block[0]) ? bit : 0;
}

// One page of which all blocks are taken, and no other with a free one.
static void begin(void)
{
  static bool made;
  if (!made) { // the memory of all runs: pages are made anew in it
    EXPLORE_CHECK(!grove__blocks_init(&w.b, &grove__allocator_malloc, false));
    w.b.direct = false; // with AddressSanitizer, too: no block is given back to the allocator here
    EXPLORE_CHECK(grove__blocks_take(&w.b, NULL, BYTES));
    made = true;
  }
  grove__block_page *p = grove__block_page_of((char *)w.b.chunks + sizeof *w.b.chunks + GROVE__BLOCK_PAGE);
  memset(w.cache, 0, sizeof w.cache);
  w.b.listed[SIZE] = (grove__block_list){NULL, 0};
  w.b.loose[SIZE] = (grove__block_set){p, 0};
  atomic_init(&p->free, 0);
  p->size = SIZE;
  w.taken = 0;
  for (size_t i = 0; i < EACH; i++) {
    w.block[i] = (char *)p + (i + 1) * BYTES;
    has(w.block[i]);
  }
}

static void give(grove__block_cache *cache, int from, int to)
{
  for (int i = from; i < to; i++) {
    w.taken &= ~grove__block_bit(w.block[i], SIZE);
    grove__blocks_give(&w.b, cache, w.block[i], BYTES);
  }
}

// With what others have given back meanwhile. The depot has the page, or nothing: it does not grow.
static void take_page(void)
{
  grove__mutex_lock(&w.b.lock);
  grove__block_page *p = unlist(&w.b.listed[SIZE]);
  grove__mutex_unlock(&w.b.lock);
  if (p) {
    grove__block_set s;
    open_page(&s, p);
    EXPLORE_CHECK(__builtin_popcountll(s.free) >= half_of(SIZE));
    for (void *x; (x = grove__block_set_take(&s, SIZE));) {
      has(x);
    }
  }
}

static void give_five(void)
{
  give(&w.cache[0], 0, 5);
  grove__block_cache_empty(&w.b, &w.cache[0]);
}
static void give_four(void)
{
  give(&w.cache[1], 5, 9);
  grove__block_cache_empty(&w.b, &w.cache[1]);
}
static void give_three_loosely(void)
{
  give(NULL, 9, 12);
}
static void give_eight_and_take(void)
{
  give(&w.cache[2], 0, 8);
  grove__block_cache_empty(&w.b, &w.cache[2]);
  take_page();
}
static void give_seven_and_take(void)
{
  give(&w.cache[1], 8, 15);
  grove__block_cache_empty(&w.b, &w.cache[1]);
  take_page();
}

// It is listed once if half of it is free, or not at all; nobody has what is free.
static void end(void)
{
  grove__block_page *p = grove__block_page_of(w.block[0]);
  uint64_t free = atomic_load_explicit(&p->free, memory_order_relaxed);
  bool half = __builtin_popcountll(free) >= half_of(SIZE);
  EXPLORE_CHECK(w.b.listed[SIZE].count == half);
  EXPLORE_CHECK(half ? w.b.listed[SIZE].first == p && !p->next : !w.b.listed[SIZE].first);
  EXPLORE_CHECK(!(free & w.taken));
  EXPLORE_CHECK((free | w.taken) == 0xfffe);
}

static const explore_case cases[] = {
    {"two give", begin, {give_five, give_four}, NULL, end, -1, 0, 0},
    {"two give, one without a cache", begin, {give_five, give_four, give_three_loosely}, NULL, end, 3, 0, 0},
    {"two give, one takes", begin, {give_five, give_four, take_page}, NULL, end, 4, 0, 0},
    {"two give and take", begin, {give_eight_and_take, give_seven_and_take}, NULL, end, -1, 0, 0},
};

static int more; // of switches, where they have a bound
static void test_all(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    explore_case c = cases[i];
    c.switches += c.switches < 0 ? 0 : more; // -1: any number
    long runs = explore_all(&c);
    print_message("%s: %ld interleavings\n", cases[i].name, runs);
    assert_true(runs > 10);
  }
  grove__blocks_deinit(&w.b);
}

// [MORE]: so many switches more than by default.
int main(int argc, char **argv)
{
  more = argc > 1 ? atoi(argv[1]) : more;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
