// The deque between its owner and thieves: every interleaving of small cases, and seeded ones of larger cases. Its source
// is compiled once more with atomics that let another fiber on first; one order for all of them, as the hardware of most
// machines gives it (threads at once are run_queue_test.c's).
#include "base/random.h"
#include "check.h"
#include "plat/stack.h"
#include "plat/thread.h"
#include <stdatomic.h>

typedef struct grove__run_node grove__run_node;
static void step(void);
static uint64_t load_count(const _Atomic uint64_t *p)
{
  return atomic_load_explicit(p, memory_order_seq_cst);
}
static grove__run_node *load_item(_Atomic(grove__run_node *) *p)
{
  return atomic_load_explicit(p, memory_order_seq_cst);
}
static void store_count(_Atomic uint64_t *p, uint64_t v)
{
  atomic_store_explicit(p, v, memory_order_seq_cst);
}
static void store_item(_Atomic(grove__run_node *) *p, grove__run_node *v)
{
  atomic_store_explicit(p, v, memory_order_seq_cst);
}
static bool exchange_count(_Atomic uint64_t *p, uint64_t *expected, uint64_t v)
{
  return atomic_compare_exchange_strong_explicit(
      p, expected, v, memory_order_seq_cst, memory_order_seq_cst);
}
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_compare_exchange_strong_explicit
#define atomic_load_explicit(P, ORDER)                                                             \
  (step(), _Generic((P), _Atomic(grove__run_node *) *: load_item, default: load_count)(P))
#define atomic_store_explicit(P, V, ORDER)                                                         \
  (step(), _Generic((P), _Atomic(grove__run_node *) *: store_item, default: store_count)(P, V))
#define atomic_compare_exchange_strong_explicit(P, EXPECTED, V, YES, NO)                           \
  (step(), exchange_count(P, EXPECTED, V))
#include "queue/deque.c"

enum { PLAYERS = 3, ITEMS = 8, DEEPEST = 512 };
typedef struct item {
  grove__run_node node;
  int taken;
} item;
/// '+' pushes the next item, '-' takes the newest, 's' steals the oldest. The first player is the owner.
typedef struct player {
  const char *script;
  grove__fiber *fiber;
  bool over;
} player;
static struct {
  grove__deque deque;
  grove__stacks *stacks;
  grove__fiber *back;
  player of[PLAYERS];
  int players, at; // at: who runs; -1: the test itself
  item items[ITEMS];
  int pushed;
} game;

static void step(void)
{
  if (game.at >= 0) {
    grove__fiber_switch(game.of[game.at].fiber, game.back);
  }
}

static void take(grove__run_node *n)
{
  if (n) {
    ((item *)(void *)n)->taken++;
  }
}

static void play(void *user)
{
  player *p = user;
  for (const char *c = p->script; *c; c++) {
    switch (*c) {
    case '+': assert_true(grove__deque_push(&game.deque, &game.items[game.pushed++].node)); break;
    case '-': take(grove__deque_pop(&game.deque)); break;
    default: take(grove__deque_steal(&game.deque)); break;
    }
  }
  p->over = true;
  for (;;) {
    grove__fiber_switch(p->fiber, game.back);
  }
}

// One game, in which choose(depth, n) says which of those n that are not through moves on. False: it could not be played.
static void run_game(const char *const *script, size_t (*choose)(size_t depth, size_t n))
{
  memset(game.items, 0, sizeof game.items);
  game.pushed = game.players = 0;
  game.at = -1;
  check_ok(grove__deque_init(&game.deque));
  for (; game.players < PLAYERS && script[game.players]; game.players++) {
    player *p = &game.of[game.players];
    *p = (player){.script = script[game.players]};
    check_ok(grove__fiber_create(game.stacks, 0, play, p, &p->fiber));
  }
  for (size_t depth = 0;; depth++) {
    int open[PLAYERS];
    size_t n = 0;
    for (int i = 0; i < game.players; i++) {
      if (!game.of[i].over) {
        open[n++] = i;
      }
    }
    if (n == 0) {
      break;
    }
    game.at = open[choose(depth, n)];
    grove__fiber_switch(game.back, game.of[game.at].fiber);
    game.at = -1;
  }
  for (int i = 0; i < game.players; i++) {
    grove__fiber_destroy(game.of[i].fiber);
  }
  grove__run_node *n;
  while ((n = grove__deque_pop(&game.deque))) {
    take(n);
  }
  assert_int_equal(grove__deque_length(&game.deque), 0);
  for (int i = 0; i < game.pushed; i++) {
    assert_int_equal(game.items[i].taken, 1); // none lost, none twice
  }
}

// ---- all of them: depth first, each choice that was open is taken once -------------------------------------
static struct {
  uint8_t chosen[DEEPEST], open[DEEPEST];
  size_t depth;
} path;
static size_t choose_by_path(size_t depth, size_t n)
{
  assert_true(depth < DEEPEST);
  if (depth >= path.depth) {
    path.chosen[depth] = 0;
    path.depth = depth + 1;
  }
  path.open[depth] = (uint8_t)n;
  return path.chosen[depth];
}
static size_t play_all(const char *const *script)
{
  size_t games = 0;
  path.depth = 0;
  do {
    run_game(script, choose_by_path);
    games++;
    while (path.depth && path.chosen[path.depth - 1] + 1 >= path.open[path.depth - 1]) {
      path.depth--;
    }
    if (path.depth) {
      path.chosen[path.depth - 1]++;
    }
  } while (path.depth);
  return games;
}

static void test_every_order(void **state)
{
  (void)state;
  static const char *const script[][3] = {
      {"+-", "s", NULL}, {"+-+-", "s", NULL}, {"++--", "s", NULL}, {"+-", "ss", NULL}};
  for (size_t i = 0; i < sizeof script / sizeof script[0]; i++) {
    assert_true(play_all(script[i]) > 500);
  }
}

// ---- and some of many --------------------------------------------------------------------------------------
static uint64_t seed;
static size_t choose_by_seed(size_t depth, size_t n)
{
  (void)depth;
  return (size_t)grove__random_below(&seed, n);
}
static void test_many_orders(void **state)
{
  (void)state;
  static const char *const script[][4] = {{"++-+--", "ss", "s", NULL}, {"+++---+-", "sss", "ss", NULL}};
  for (uint64_t i = 1; i <= 4000; i++) {
    seed = i;
    run_game(script[i % 2], choose_by_seed);
  }
}

static void test_it_is_full_and_goes_round(void **state)
{
  (void)state;
  static item many[GROVE__DEQUE_ROOM + 1];
  check_ok(grove__deque_init(&game.deque));
  game.at = -1;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < GROVE__DEQUE_ROOM; i++) {
      assert_true(grove__deque_push(&game.deque, &many[i].node));
    }
    assert_false(grove__deque_push(&game.deque, &many[GROVE__DEQUE_ROOM].node));
    assert_int_equal(grove__deque_length(&game.deque), GROVE__DEQUE_ROOM);
    for (int i = 0; i < 100; i++) {
      assert_ptr_equal(grove__deque_steal(&game.deque), &many[i].node);
    }
    for (int i = GROVE__DEQUE_ROOM - 1; i >= 100; i--) {
      assert_ptr_equal(grove__deque_pop(&game.deque), &many[i].node);
    }
    assert_null(grove__deque_pop(&game.deque));
    assert_null(grove__deque_steal(&game.deque));
  }
}

static int setup(void **state)
{
  (void)state;
  check_ok(grove__stacks_create(NULL, 64 * 1024, 16, GROVE__GUARD_BEST, &game.stacks));
  check_ok(grove__fiber_of_thread(game.stacks, &game.back));
  return 0;
}
static int teardown(void **state)
{
  (void)state;
  grove__fiber_destroy(game.back);
  grove__stacks_destroy(game.stacks);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_it_is_full_and_goes_round, setup, teardown),
      cmocka_unit_test_setup_teardown(test_every_order, setup, teardown),
      cmocka_unit_test_setup_teardown(test_many_orders, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
