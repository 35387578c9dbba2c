// The deque and the run queue in every interleaving of their small cases: what is put there is taken once, by somebody, and
// what looks empty to who would fall asleep is.
#include "explore.h"
#include "plat/barrier.h"
#define grove__barrier_all explore_drain_all
#include "queue/deque.c"
#include "queue/run_queue.c"
#include "queue/inbox.c"
#include "check.h"
#include <stdlib.h>

enum { ITEMS = 8 };
static struct world {
  grove__deque d;
  grove__run_queue q;
  grove__inbox b;
  grove__run_node item[ITEMS];
  int taken[ITEMS], put;
  _Atomic int asleep; // thieves that have said so
  bool woken[EXPLORE_THREADS];
  int returned;
} w;

static grove__run_node filler; // of which nobody keeps count
static void take(grove__run_node *n)
{
  if (n && n != &filler) {
    w.taken[n - w.item]++;
    EXPLORE_CHECK(w.taken[n - w.item] == 1);
  }
}

static void begin(void)
{
  memset(&w, 0, sizeof w);
  EXPLORE_CHECK(!grove__deque_init(&w.d));
  EXPLORE_CHECK(!grove__run_queue_init(&w.q));
  EXPLORE_CHECK(!grove__inbox_init(&w.b));
}

static void begin_with_barrier(void)
{
  begin();
  w.q.barrier = true;
}

static void all_taken(void)
{
  for (grove__run_node *n; (n = grove__deque_pop(&w.d));) {
    take(n);
  }
  for (grove__run_node *n; (n = grove__run_queue_pop(&w.q));) {
    take(n);
  }
  for (grove__run_node *n; (n = grove__inbox_take(&w.b));) {
    take(n);
  }
  for (int i = 0; i < w.put; i++) {
    EXPLORE_CHECK(w.taken[i] == 1);
  }
  EXPLORE_CHECK(grove__deque_length(&w.d) == 0 && grove__run_queue_length(&w.q) == 0);
}

// ---- the deque -------------------------------------------------------------------------------------------

static void push(void)
{
  EXPLORE_CHECK(grove__deque_push(&w.d, &w.item[w.put++]));
}
static void begin_with_two(void)
{
  begin();
  push();
  push();
}
// Its ring has gone round, and is full: what is pushed now must not take the oldest's slot, unless that was stolen.
static void begin_full(void)
{
  begin();
  for (int i = 0; i < 3; i++) {
    EXPLORE_CHECK(grove__deque_push(&w.d, &filler) && grove__deque_steal(&w.d) == &filler);
  }
  push();
  push();
  for (int i = 2; i < GROVE__DEQUE_ROOM; i++) {
    EXPLORE_CHECK(grove__deque_push(&w.d, &filler));
  }
}
static void push_to_full(void)
{
  for (int i = 0; i < 2; i++) {
    w.put += grove__deque_push(&w.d, &w.item[w.put]);
  }
  take(grove__deque_pop(&w.d));
}
static void pop_two(void)
{
  take(grove__deque_pop(&w.d));
  take(grove__deque_pop(&w.d));
}
static void push_and_pop(void)
{
  push();
  take(grove__deque_pop(&w.d));
  push();
  take(grove__deque_pop(&w.d));
  take(grove__deque_pop(&w.d));
}
static void steal_one(void)
{
  take(grove__deque_steal(&w.d));
}
static void steal_two(void)
{
  take(grove__deque_steal(&w.d));
  take(grove__deque_steal(&w.d));
}

// ---- the run queue ---------------------------------------------------------------------------------------

static void own(void)
{
  (void)grove__run_queue_push_slot(&w.q, &w.item[w.put++]);
  (void)grove__run_queue_push_slot(&w.q, &w.item[w.put++]);
  take(grove__run_queue_pop(&w.q));
  (void)grove__run_queue_push_slot(&w.q, &w.item[w.put++]);
  (void)grove__run_queue_push(&w.q, &w.item[w.put++]);
  take(grove__run_queue_pop(&w.q));
  take(grove__run_queue_pop(&w.q));
}
// Fills and empties the slot, as most turns do.
static void own_slot(void)
{
  for (int i = 0; i < 3; i++) {
    if (grove__run_queue_may_fill_slot(&w.q)) {
      grove__run_queue_fill_slot(&w.q, &w.item[w.put++]);
    }
    take(grove__run_queue_pop_slot(&w.q));
  }
}
// Looks whether there is more, and is told by others while it says that there is not.
static void own_and_look(void)
{
  (void)grove__run_queue_push_slot(&w.q, &w.item[w.put++]);
  (void)grove__run_queue_push_slot(&w.q, &w.item[w.put++]);
  for (int i = 0; i < 4; i++) {
    take(grove__run_queue_pop(&w.q));
  }
}
static void push_open(void)
{
  (void)grove__run_queue_push(&w.q, &w.item[w.put++]);
}
static void push_pinned(void)
{
  grove__run_queue_push_pinned(&w.q, &w.item[w.put++]);
}
static void steal_from_queue(void)
{
  take(grove__run_queue_steal(&w.q, false));
  take(grove__run_queue_steal(&w.q, true));
}
static void steal_the_slot(void)
{
  take(grove__run_queue_steal(&w.q, true));
}

// ---- falling asleep (the opening comment of runtime/worker.c) --------------------------------------------------

// With nothing left to do it may sleep on, which is the end of the case.
static bool is_woken(int me)
{
  return w.woken[me] || (w.returned && !grove__run_queue_waits(&w.q, false));
}
// As a worker parks: says so, looks once more, and sleeps if there is nothing.
static void look_and_sleep(void)
{
  grove__run_node *n = grove__run_queue_steal(&w.q, false);
  if (!n) {
    atomic_fetch_add_explicit(&w.asleep, 1, memory_order_seq_cst);
    if (!grove__run_queue_waits(&w.q, false)) {
      explore_wait(is_woken);
    }
    n = grove__run_queue_steal(&w.q, true);
  }
  take(n);
}
// As the scheduler queues: wakes who has said that it sleeps. What is in the slot alone is for the owner.
static void wake(bool stealable)
{
  if (stealable && atomic_load_explicit(&w.asleep, memory_order_seq_cst)) {
    w.woken[1] = true;
  }
}
static void push_two_and_wake(void)
{
  wake(grove__run_queue_push_slot(&w.q, &w.item[w.put++]));
  wake(grove__run_queue_push_slot(&w.q, &w.item[w.put++]));
  take(grove__run_queue_pop(&w.q));
  w.returned++;
}
static void push_open_and_wake(void)
{
  (void)grove__run_queue_push(&w.q, &w.item[w.put++]);
  wake(true);
  w.returned++;
}

// ---- the inbox -----------------------------------------------------------------------------------------

static void post(int i)
{
  grove__inbox_push(&w.b, &w.item[i]);
}
static void begin_for_four(void)
{
  begin();
  w.put = 4; // who posts which is fixed: threads count nothing together
}
static void post_two(void)
{
  post(0);
  post(1);
}
static void post_others(void)
{
  post(2);
  post(3);
}
// What one thread posts comes in its order.
static void take_in_order(void)
{
  for (int i = 0; i < 3; i++) {
    grove__run_node *n = grove__inbox_take(&w.b);
    take(n);
    EXPLORE_CHECK(n != &w.item[1] || w.taken[0]);
    EXPLORE_CHECK(n != &w.item[3] || w.taken[2]);
  }
}
static void begin_for_two(void)
{
  begin();
  w.put = 2;
}
static bool is_woken_of_inbox(int me)
{
  return w.woken[me] || (w.returned && !grove__inbox_waits(&w.b));
}
static void look_in_and_sleep(void)
{
  grove__run_node *n = grove__inbox_take(&w.b);
  if (!n) {
    atomic_fetch_add_explicit(&w.asleep, 1, memory_order_seq_cst);
    if (!grove__inbox_waits(&w.b)) {
      explore_wait(is_woken_of_inbox);
    }
    n = grove__inbox_take(&w.b);
  }
  take(n);
}
static void post_and_wake(void)
{
  for (int i = 0; i < 2; i++) {
    post(i);
    wake(true);
  }
  w.returned++;
}

static const explore_case cases[] = {
    {"two, and two thieves", begin_with_two, {pop_two, steal_one, steal_one}, NULL, all_taken, 4, 0, 2},
    {"two, and a thief of two", begin_with_two, {pop_two, steal_two}, NULL, all_taken, -1, 0, 2},
    {"pushed meanwhile", begin, {push_and_pop, steal_two, steal_one}, NULL, all_taken, 2, 0, 1},
    {"a full ring", begin_full, {push_to_full, steal_one, steal_two}, NULL, all_taken, 3, 0, 1},
    {"slot and deque", begin, {own, steal_from_queue, steal_the_slot}, NULL, all_taken, 2, 0, 1},
    {"the slot", begin, {own, steal_the_slot, steal_the_slot}, NULL, all_taken, 2, 0, 1},
    {"the slot, a barrier", begin_with_barrier, {own, steal_the_slot, steal_the_slot}, NULL, all_taken, 2, 0, 2},
    {"the slot, a barrier, again and again", begin_with_barrier, {own_slot, steal_the_slot}, NULL, all_taken, 4, 0, 2},
    {"pushed by others", begin, {own_and_look, push_open, push_pinned}, NULL, all_taken, 2, 0, 1},
    {"pushed by others, a thief", begin_with_barrier, {own_and_look, push_open, steal_from_queue}, NULL, all_taken, 2, 0, 1},
    {"falling asleep, a barrier", begin_with_barrier, {push_two_and_wake, look_and_sleep}, NULL, all_taken, 4, 0, 2},
    {"falling asleep", begin, {push_two_and_wake, look_and_sleep}, NULL, all_taken, 4, 0, 2},
    {"falling asleep, open", begin, {push_open_and_wake, look_and_sleep}, NULL, all_taken, 5, 0, 2},
    {"inbox", begin_for_four, {post_two, post_others, take_in_order}, NULL, all_taken, 3, 1, 1},
    {"inbox, two take", begin_for_two, {post_two, take_in_order, take_in_order}, NULL, all_taken, 3, 1, 1},
    {"falling asleep, inbox", begin_for_two, {post_and_wake, look_in_and_sleep}, NULL, all_taken, 5, 1, 2},
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
}

// [MORE]: so many switches more than by default.
int main(int argc, char **argv)
{
  more = argc > 1 ? atoi(argv[1]) : more;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
