// The run queue: order, the slot and its streak, pinned ones, thieves; nothing lost between threads.
#include "check.h"
#include "plat/barrier.h"
#include "queue/run_queue.h"
#include <uv.h>

typedef struct item {
  grove__run_node node;
  int n;
  atomic_int taken;
} item;
static int number(grove__run_node *n)
{
  return n ? ((item *)(void *)n)->n : -1;
}

static void test_order(void **state)
{
  (void)state;
  grove__run_queue q;
  item x[7];
  check_ok(grove__run_queue_init(&q));
  for (int i = 0; i < 7; i++) {
    x[i] = (item){.n = i};
  }
  assert_int_equal(grove__run_queue_push(&q, &x[0].node), 0);
  assert_int_equal(grove__run_queue_push(&q, &x[1].node), 1);
  assert_true(grove__run_queue_push_slot(&q, &x[2].node)); // others are there to be stolen
  assert_true(grove__run_queue_push_slot(&q, &x[3].node)); // 2 goes to the deque
  assert_int_equal(grove__run_queue_length(&q), 4);
  assert_int_equal(number(grove__run_queue_pop(&q)), 3);
  assert_int_equal(number(grove__run_queue_pop(&q)), 2); // what was woken comes before what has had its turn
  assert_int_equal(number(grove__run_queue_pop(&q)), 0);
  assert_int_equal(number(grove__run_queue_pop(&q)), 1);
  assert_null(grove__run_queue_pop(&q));
  assert_false(grove__run_queue_push_slot(&q, &x[4].node)); // alone in the slot
  assert_null(grove__run_queue_steal(&q, false));
  assert_false(grove__run_queue_waits(&q, false));
  assert_true(grove__run_queue_waits(&q, true) && grove__run_queue_waits_for_owner(&q));
  assert_int_equal(number(grove__run_queue_steal(&q, true)), 4);
  grove__run_queue_push_pinned(&q, &x[5].node);
  grove__run_queue_push_mine(&q, &x[6].node, false);
  assert_int_equal(grove__run_queue_length(&q), 2);
  assert_null(grove__run_queue_steal(&q, true)); // nobody else may have them
  assert_false(grove__run_queue_waits(&q, true));
  assert_true(grove__run_queue_waits_for_owner(&q));
  int first = number(grove__run_queue_pop(&q)), second = number(grove__run_queue_pop(&q));
  assert_true(first + second == 11 && first != second);
  assert_int_equal(grove__run_queue_length(&q), 0);
  assert_false(grove__run_queue_waits_for_owner(&q));
  grove__run_queue_deinit(&q);
}

// Others had been there and were stolen: what is in the slot is next however long its streak is.
static void test_a_streak_alone(void **state)
{
  (void)state;
  grove__run_queue q;
  static item x[GROVE__SLOT_STREAK + 10], other;
  check_ok(grove__run_queue_init(&q));
  (void)grove__run_queue_push(&q, &other.node);
  assert_ptr_equal(grove__run_queue_steal(&q, false), &other.node);
  for (size_t i = 0; i < GROVE__COUNT(x); i++) {
    (void)grove__run_queue_push_slot(&q, &x[i].node);
    assert_ptr_equal(grove__run_queue_pop(&q), &x[i].node);
  }
  grove__run_queue_deinit(&q);
}

// More than the deque holds go to the open list; thieves get the oldest first.
static void test_more_than_there_is_room_for(void **state)
{
  (void)state;
  enum { MANY = GROVE__DEQUE_ROOM + 20 };
  static item x[MANY];
  grove__run_queue q;
  check_ok(grove__run_queue_init(&q));
  for (int i = 0; i < MANY; i++) {
    x[i] = (item){.n = i};
    (void)grove__run_queue_push_slot(&q, &x[i].node);
  }
  assert_int_equal(grove__run_queue_length(&q), MANY);
  for (int i = 0; i < MANY - 1; i++) {
    assert_int_equal(number(grove__run_queue_steal(&q, false)), i);
  }
  assert_int_equal(number(grove__run_queue_pop(&q)), MANY - 1);
  grove__run_queue_deinit(&q);
}

// One that is pushed again as soon as it is taken starves no other: not through the slot, not in any list.
static void test_nobody_is_starved(void **state)
{
  (void)state;
  enum { SLOT, DEQUE, OPEN, PINNED, MINE, LATER, UNBORN, KINDS, ROUNDS = 40 * GROVE__SLOT_STREAK };
  grove__run_queue q;
  item x[KINDS];
  int seen[KINDS] = {0}, waited[KINDS] = {0}, longest = 0;
  check_ok(grove__run_queue_init(&q));
  for (int i = 0; i < KINDS; i++) {
    x[i] = (item){.n = i};
  }
  grove__run_queue_push(&q, &x[OPEN].node);
  grove__run_queue_push_pinned(&q, &x[PINNED].node);
  grove__run_queue_push_mine(&q, &x[MINE].node, false);
  grove__run_queue_push_mine(&q, &x[LATER].node, true);
  x[UNBORN].node.unborn = true;
  (void)grove__run_queue_push_slot(&q, &x[UNBORN].node);
  (void)grove__run_queue_push_slot(&q, &x[DEQUE].node);
  (void)grove__run_queue_push_slot(&q, &x[SLOT].node);
  for (int i = 0; i < ROUNDS; i++) {
    int n = number(grove__run_queue_pop(&q));
    assert_in_range(n, 0, KINDS - 1);
    seen[n]++;
    for (int k = 0; k < KINDS; k++) {
      waited[k] = k == n ? 0 : waited[k] + 1;
      longest = waited[k] > longest ? waited[k] : longest;
    }
    switch (n) {
    case SLOT:
    case UNBORN:
    case DEQUE: (void)grove__run_queue_push_slot(&q, &x[n].node); break;
    case OPEN: (void)grove__run_queue_push(&q, &x[n].node); break;
    case PINNED: grove__run_queue_push_pinned(&q, &x[n].node); break;
    default: grove__run_queue_push_mine(&q, &x[n].node, n == LATER); break;
    }
  }
  for (int i = 0; i < KINDS; i++) {
    assert_true(seen[i] >= 4);
  }
  // Of the turns that are not the slot's one in eight is the open list's.
  assert_in_range(longest, 1, (GROVE__SLOT_STREAK + 1) * GROVE__OPEN_TURN);
  while (grove__run_queue_pop(&q)) {}
  grove__run_queue_deinit(&q);
}

// Nor do those that were woken last, one after the other, starve what was woken first.
static void test_the_oldest_comes_too(void **state)
{
  (void)state;
  grove__run_queue q;
  static item x[200];
  check_ok(grove__run_queue_init(&q));
  int at = 0, oldest = -1;
  for (; at < 3; at++) {
    x[at] = (item){.n = at};
    (void)grove__run_queue_push_slot(&q, &x[at].node);
  }
  for (int i = 0; i < 4 * GROVE__OLDEST_TURN && oldest < 0; i++) {
    oldest = number(grove__run_queue_pop(&q)) == 0 ? i : -1;
    for (int k = 0; k < 2; k++, at++) { // two come for each that goes
      x[at] = (item){.n = at};
      (void)grove__run_queue_push_slot(&q, &x[at].node);
    }
    (void)grove__run_queue_pop(&q); // from the slot
  }
  assert_in_range(oldest, 0, 2 * GROVE__OLDEST_TURN);
  while (grove__run_queue_pop(&q)) {}
  grove__run_queue_deinit(&q);
}

// Lives that have not begun come newest first, as long as none of them has waited for too long.
static void test_unborn_ones_come_newest_first(void **state)
{
  (void)state;
  enum { MANY = 100, ROUNDS = 1000 };
  grove__run_queue q;
  static item x[MANY + ROUNDS];
  check_ok(grove__run_queue_init(&q));
  int at = 0;
  for (; at < MANY; at++) {
    x[at] = (item){.n = at, .node.unborn = true};
    (void)grove__run_queue_push_slot(&q, &x[at].node);
  }
  assert_int_equal(number(grove__run_queue_pop(&q)), 0); // it was in the slot, to which the others did not come
  for (int i = 0; i < ROUNDS; i++, at++) { // as each goes another comes
    x[at] = (item){.n = at, .node.unborn = true};
    (void)grove__run_queue_push_slot(&q, &x[at].node);
    assert_in_range(number(grove__run_queue_pop(&q)), MANY / 2, at); // now and then one that is not in the slot
  }
  assert_int_equal(number(grove__run_queue_steal(&q, false)), 1); // others take the oldest
  q.now += GROVE__UNBORN_NS + 1;
  item other = {.n = -2};
  grove__run_queue_push(&q, &other.node); // one that has its turn again and again
  int last = 1;
  for (int i = 0; i < 40 * MANY && last < 6; i++) {
    grove__run_node *n = grove__run_queue_pop(&q);
    if (n == &other.node) {
      grove__run_queue_push(&q, n);
    } else if (number(n) < MANY / 2) { // else one of the newest
      assert_int_equal(number(n), ++last);
    } else if (i % 2) { // one each millisecond, and each eighth turn
      q.now += GROVE__UNBORN_EACH_NS;
    }
  }
  assert_int_equal(last, 6);
  while (grove__run_queue_pop(&q)) {}
  grove__run_queue_deinit(&q);
}

// Also where there are more of them than the deque has room for, the oldest come when they have waited for too long.
static void test_unborn_ones_come_in_time(void **state)
{
  (void)state;
  enum { MANY = 300, TURNS = 10000, EARLY = 8 };
  grove__run_queue q;
  static item x[MANY + TURNS];
  check_ok(grove__run_queue_init(&q));
  int at = 0, seen = 0;
  for (; at < MANY; at++) {
    x[at] = (item){.n = at, .node.unborn = true};
    (void)grove__run_queue_push_slot(&q, &x[at].node);
  }
  for (int i = 0; i < TURNS; i++, at++) { // a second; as each goes another comes
    q.now += 100 * 1000;
    seen += number(grove__run_queue_pop(&q)) < EARLY;
    x[at] = (item){.n = at, .node.unborn = true};
    (void)grove__run_queue_push_slot(&q, &x[at].node);
  }
  assert_int_equal(seen, EARLY);
  while (grove__run_queue_pop(&q)) {}
  grove__run_queue_deinit(&q);
}

// More of them than the deque has room for: the newest come first all the same, the oldest to thieves, and all of them once.
static void test_more_unborn_ones_than_there_is_room_for(void **state)
{
  (void)state;
  enum { MANY = 10 * GROVE__DEQUE_ROOM };
  static item x[MANY];
  grove__run_queue q;
  check_ok(grove__run_queue_init(&q));
  for (int i = 0; i < MANY; i++) {
    x[i] = (item){.n = i, .node.unborn = true};
    (void)grove__run_queue_push_slot(&q, &x[i].node);
  }
  assert_int_equal(grove__run_queue_length(&q), MANY);
  assert_int_equal(number(grove__run_queue_steal(&q, false)), 1);
  assert_int_equal(number(grove__run_queue_pop(&q)), 0); // in the slot from the first
  for (int i = 1; i <= GROVE__DEQUE_ROOM / 2; i++) {
    assert_int_equal(number(grove__run_queue_pop(&q)), MANY - i);
  }
  int rest = 0;
  for (grove__run_node *n; (n = grove__run_queue_pop(&q)); rest++) {
    assert_int_equal(atomic_fetch_add(&GROVE__CONTAINER(n, item, node)->taken, 1), 0);
  }
  assert_int_equal(rest, MANY - 2 - GROVE__DEQUE_ROOM / 2);
  assert_int_equal(grove__run_queue_length(&q), 0);
  assert_false(grove__run_queue_waits_for_owner(&q));
  grove__run_queue_deinit(&q);
}

// What overflows comes in time, too, where the deque is never empty and its oldest never old: each life makes another, and one for the slot.
static void test_what_overflows_comes_in_time(void **state)
{
  (void)state;
  enum { MANY = 400, POPS = 1000000, LEAF = -2, MAKER = -3 };
  static item x[MANY], made[4];
  grove__run_queue q;
  int begun = 0;
  check_ok(grove__run_queue_init(&q));
  for (int i = 0; i < MANY; i++) {
    x[i] = (item){.n = i, .node.unborn = true};
    (void)grove__run_queue_push_slot(&q, &x[i].node);
  }
  for (int i = 0; i < 4; i++) {
    made[i] = (item){.n = i % 2 ? MAKER : LEAF, .node.unborn = true};
  }
  while (begun <= MANY - GROVE__DEQUE_ROOM / 2) { // until the deque is empty, and the first comes that has overflown
    assert_true(number(grove__run_queue_pop(&q)) >= 0);
    begun++;
  }
  int at = 0;
  (void)grove__run_queue_push_slot(&q, &made[at].node);
  (void)grove__run_queue_push_slot(&q, &made[at + 1].node);
  for (int i = 0; i < POPS && begun < MANY; i++, q.now += 1000) {
    int n = number(grove__run_queue_pop(&q));
    begun += n >= 0;
    if (n == MAKER) {
      at = 2 - at;
      (void)grove__run_queue_push_slot(&q, &made[at].node);
      (void)grove__run_queue_push_slot(&q, &made[at + 1].node);
    }
  }
  assert_int_equal(begun, MANY);
  while (grove__run_queue_pop(&q)) {}
  grove__run_queue_deinit(&q);
}

// A tree whose nodes each make ten, a million leaves in a second: never are there more than a few of its paths at once.
static void test_a_tree_is_finished_from_its_leaves(void **state)
{
  (void)state;
  enum { CHILDREN = 10, LEAVES = 1000000, ROOM = 1000 };
  static item x[ROOM];
  item *free_items[ROOM];
  int n_free = 0, leaves = 0;
  grove__run_queue q;
  check_ok(grove__run_queue_init(&q));
  for (; n_free < ROOM; n_free++) {
    x[n_free].node.unborn = true;
    free_items[n_free] = &x[n_free];
  }
  x[ROOM - 1].n = LEAVES;
  (void)grove__run_queue_push_slot(&q, &free_items[--n_free]->node);
  for (grove__run_node *node; (node = grove__run_queue_pop(&q)); q.now += 1000) {
    item *it = GROVE__CONTAINER(node, item, node);
    int below = it->n / CHILDREN;
    leaves += below == 0;
    free_items[n_free++] = it;
    for (int i = 0; i < CHILDREN && below; i++) {
      assert_true(n_free > 0);
      item *child = free_items[--n_free];
      child->n = below;
      (void)grove__run_queue_push_slot(&q, &child->node);
    }
  }
  assert_int_equal(leaves, LEAVES);
  grove__run_queue_deinit(&q);
}

// Where many are in the open list a thief takes half of them, in their order, and runs the first.
static void test_half_of_many_is_stolen(void **state)
{
  (void)state;
  enum { MANY = 40 };
  grove__run_queue q, mine;
  item x[MANY];
  bool more;
  check_ok(grove__run_queue_init(&q));
  check_ok(grove__run_queue_init(&mine));
  assert_null(grove__run_queue_steal_some(&q, &mine, true, &more));
  assert_false(more);
  for (int i = 0; i < MANY; i++) {
    x[i] = (item){.n = i};
    (void)grove__run_queue_push(&q, &x[i].node);
  }
  assert_int_equal(number(grove__run_queue_steal_some(&q, &mine, false, &more)), 0);
  assert_true(more);
  assert_int_equal(grove__run_queue_length(&q), MANY / 2);
  assert_int_equal(grove__run_queue_length(&mine), MANY / 2 - 1);
  for (int i = 1; i < MANY / 2; i++) {
    assert_int_equal(number(grove__run_queue_pop(&mine)), i);
  }
  for (int i = MANY / 2; i < MANY; i++) {
    assert_int_equal(number(grove__run_queue_pop(&q)), i);
  }
  for (int i = 0; i < 3; i++) { // few stay where they are
    (void)grove__run_queue_push(&q, &x[i].node);
  }
  assert_int_equal(number(grove__run_queue_steal_some(&q, &mine, false, &more)), 0);
  assert_false(more);
  assert_int_equal(grove__run_queue_length(&q), 2);
  assert_int_equal(grove__run_queue_length(&mine), 0);
  grove__run_queue_deinit(&q);
  grove__run_queue_deinit(&mine);
}

enum { ITEMS = 50000 };
static grove__run_queue shared;
static item *items;
static atomic_int taken;
static bool has_barrier;
static void count_taken(grove__run_node *n)
{
  if (n) {
    atomic_fetch_add(&((item *)(void *)n)->taken, 1);
    atomic_fetch_add(&taken, 1);
  }
}
static void steal_all(void *user)
{
  grove__run_queue mine;
  bool more;
  check_ok(grove__run_queue_init(&mine));
  while (atomic_load(&taken) < ITEMS) {
    count_taken(user ? grove__run_queue_steal(&shared, true) : grove__run_queue_steal_some(&shared, &mine, false, &more));
    count_taken(grove__run_queue_pop(&mine));
  }
  grove__run_queue_deinit(&mine);
}
static void take_each_once(bool barrier)
{
  uv_thread_t t[2];
  atomic_store(&taken, 0);
  items = calloc(ITEMS, sizeof *items);
  assert_non_null(items);
  check_ok(grove__run_queue_init(&shared));
  shared.barrier = barrier;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(uv_thread_create(&t[i], steal_all, i ? &taken : NULL), 0);
  }
  for (int i = 0; i < ITEMS; i++) {
    if (i % 3 == 0) {
      items[i].node.unborn = i % 2;
      (void)grove__run_queue_push_slot(&shared, &items[i].node);
    } else {
      (void)grove__run_queue_push(&shared, &items[i].node);
    }
    if (i % 2) {
      count_taken(grove__run_queue_pop(&shared));
    }
  }
  while (atomic_load(&taken) < ITEMS) {
    count_taken(grove__run_queue_pop(&shared));
  }
  for (int i = 0; i < 2; i++) {
    uv_thread_join(&t[i]);
  }
  for (int i = 0; i < ITEMS; i++) {
    assert_int_equal(items[i].taken, 1);
  }
  grove__run_queue_deinit(&shared);
  free(items);
}
static void test_each_is_taken_once(void **state)
{
  (void)state;
  take_each_once(false);
}
static void test_each_is_taken_once_by_barrier(void **state)
{
  (void)state;
  if (!has_barrier) {
    print_message("no barrier of all threads here\n");
    skip();
  }
  take_each_once(true);
}

int main(void)
{
  has_barrier = grove__barrier_ready(); // while there is one thread
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_a_streak_alone),
      cmocka_unit_test(test_more_than_there_is_room_for),
      cmocka_unit_test(test_nobody_is_starved),
      cmocka_unit_test(test_the_oldest_comes_too),
      cmocka_unit_test(test_unborn_ones_come_newest_first),
      cmocka_unit_test(test_unborn_ones_come_in_time),
      cmocka_unit_test(test_more_unborn_ones_than_there_is_room_for),
      cmocka_unit_test(test_what_overflows_comes_in_time),
      cmocka_unit_test(test_a_tree_is_finished_from_its_leaves),
      cmocka_unit_test(test_half_of_many_is_stolen),
      cmocka_unit_test(test_each_is_taken_once),
      cmocka_unit_test(test_each_is_taken_once_by_barrier),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
