// A future's word in every interleaving of its small cases: a call that begins, ends, runs out of time, is waited for, taken and
// dropped by three threads at once. It ends once, its reply is read whole or not at all, who waits is woken, its slot is freed
// once, and whoever has a handle of its last use never has the next one in his hands.
#include "explore.h"
static void sleep_for_it(grove__mutex *m);
static void wake_all(void);
#define grove__cond_wait(COND, MUTEX) sleep_for_it(MUTEX)
#define grove__cond_broadcast(COND) wake_all()
#define GROVE__FUTURE_LOOKS 1
#include "actor/future.c"
#include "actor/future_lock.c"
#include "actor/future_quick.h"
#include "check.h"
#include <stdlib.h>

enum { REPLY = 4711 };
static const grove_type number = {
    sizeof(grove_type), sizeof(long), "long", GROVE_TYPE_PLAIN, 0, NULL, NULL, NULL};
static grove__system y;
static grove__memory memory;
static check_memory blocks;
static grove_allocator allocator;
static struct world {
  grove__future *f;
  grove_future h;
  grove__activation runs;
  bool held;                  // somebody may still end it
  int ended, failed;          // by its holder; by others
  int late, unwanted;         // its holder was too late to end it; to begin it
  int taken, dropped;         // by its owner
  grove_status got;
  grove__waiter waiter;
  int wakes, seen[EXPLORE_THREADS];
} w;

// ---- how a thread sleeps for a locked word ---------------------------------------------------------------

static bool is_woken(int me)
{
  return w.wakes != w.seen[me];
}
static void sleep_for_it(grove__mutex *m)
{
  w.seen[explore_self()] = w.wakes;
  explore_unlock(m);
  explore_wait(is_woken);
  explore_lock(m);
}
static void wake_all(void)
{
  w.wakes++;
}

// ---- the world -------------------------------------------------------------------------------------------

static void begin(void)
{
  if (y.futures.each) {
    grove__slab_deinit(&y.futures);
  }
  allocator = check_allocator(&blocks);
  memset(&w, 0, sizeof w);
  memset(&y, 0, sizeof y);
  y.id = 1;
  y.memory = &memory;
  y.options.max_outside = 8;
  EXPLORE_CHECK(!grove__slab_init(&y.futures, &allocator, sizeof(grove__future), 8));
  y.futures.init = grove__future_init;
  y.futures.user = &y;
  for (size_t i = 0; i < GROVE__STASHES; i++) {
    grove__slab_open_cache(&y.futures, &y.sched.stashes[i].stash.slots[GROVE__SLOTS_FUTURES]);
  }
  EXPLORE_CHECK(!grove__future_create(&y, NULL, NULL, &number, true, &w.f));
  w.h = grove__future_handle(w.f);
  grove__future_open(w.f);
  w.held = true;
}
static void begin_waited(void)
{
  begin();
  EXPLORE_CHECK(!grove__waiter_init(&w.waiter, NULL, 1));
}

// What holds at every moment.
static void look(void)
{
  uint64_t word = w.f->word;
  EXPLORE_CHECK(w.ended + w.failed <= 1);
  EXPLORE_CHECK(w.taken + w.dropped <= 2);
  EXPLORE_CHECK(!grove__future_word_is_free(word) || !w.held);
}
static void at_rest(void)
{
  EXPLORE_CHECK(w.f->word == grove__future_word_free(w.h.generation + 1));
  EXPLORE_CHECK(grove__slab_in_use(&y.futures) == 0 && y.outside_count == 0);
  EXPLORE_CHECK(w.f->kind == GROVE__FUTURE_CALL && !w.f->nodes && w.f->status == GROVE_OK && !w.f->more);
}
static void all_over(void)
{
  at_rest();
  EXPLORE_CHECK(w.ended + w.late + w.unwanted == 1);
}

// ---- who runs it -----------------------------------------------------------------------------------------

static void run(void)
{
  bool wanted = grove__future_begin_quickly(w.f, &w.runs);
  if (!wanted) {
    grove__future_lock(w.f);
    wanted = !w.f->ended;
    if (wanted) {
      w.f->begun = true;
      grove__future_set_running(w.f, &w.runs);
    }
    grove__future_leave(w.f);
  }
  long reply = REPLY;
  if (!wanted) {
    w.unwanted++;
    w.held = false;
    grove__future_let_go(w.f);
    return;
  }
  w.held = false; // with what follows
  if (grove__future_finish_quickly(&y, w.f, &reply, sizeof reply) || grove__future_finish(w.f, GROVE_OK, &reply)) {
    w.ended++;
  } else {
    w.late++;
  }
}

// ---- whose it is ------------------------------------------------------------------------------------------

// Gives the status; GROVE_ESPENT: somebody else has it. It has ended.
static grove_status take(void)
{
  if (grove__future_claim_quickly(w.f, w.h, NULL, sizeof(long))) {
    long reply;
    memcpy(&reply, w.f->inline_reply, sizeof reply);
    EXPLORE_CHECK(reply == REPLY);
    grove__future_spent_quickly(w.f, NULL);
    return GROVE_OK;
  }
  if (!grove__future_lock_used(w.f, w.h.generation)) {
    return GROVE_ESPENT;
  }
  if (w.f->owner == GROVE__OWNER_NONE || !w.f->ended) {
    EXPLORE_CHECK(w.f->owner == GROVE__OWNER_NONE);
    grove__future_leave(w.f);
    return GROVE_ESPENT;
  }
  grove_status s = w.f->status;
  long reply;
  memcpy(&reply, w.f->reply, sizeof reply);
  EXPLORE_CHECK(s || reply == REPLY);
  grove__future_spend_locked(w.f);
  grove__future_unlock(w.f);
  return s;
}
static bool has_ended(int me)
{
  (void)me;
  return (w.f->word & GROVE__FUTURE_ENDED) || grove__future_word_generation(w.f->word) != w.h.generation;
}
static void take_when_ended(void)
{
  explore_wait(has_ended);
  grove_status s = take();
  EXPLORE_CHECK(s == GROVE_OK || s == GROVE_EEXPIRED || s == GROVE_ESPENT);
  w.taken += s != GROVE_ESPENT;
  w.got = s;
}
static void drop(void)
{
  grove__future_drop(w.f, w.h.generation);
  w.dropped++;
}
static bool is_fired(int me)
{
  (void)me;
  return w.waiter.reason != GROVE__WAITING;
}
static void wait_and_take(void)
{
  grove__wait_node node;
  bool waits = grove__future_wait_quickly(w.f, w.h, NULL, sizeof(long), &node, &w.waiter);
  if (!waits && grove__future_lock_used(w.f, w.h.generation)) {
    waits = !w.f->ended;
    if (waits) {
      grove__wait_list(w.f, &node, &w.waiter);
    }
    grove__future_leave(w.f);
  }
  if (waits) {
    explore_wait(is_fired);
    EXPLORE_CHECK(!node.listed);
  }
  w.got = take();
  w.taken += w.got != GROVE_ESPENT;
  EXPLORE_CHECK(w.got == GROVE_OK || w.got == GROVE_EEXPIRED);
}

// ---- others ----------------------------------------------------------------------------------------------

static void expire(void)
{
  if (grove__future_lock_used(w.f, w.h.generation)) {
    EXPLORE_CHECK(grove__future_generation(w.f) == w.h.generation);
    if (!w.f->ended) {
      tell_running_locked(w.f);
      EXPLORE_CHECK(grove__future_end_locked(w.f, GROVE_EEXPIRED, NULL, NULL));
      w.failed++;
    }
    grove__future_unlock(w.f);
  }
}
static void look_at_it(void)
{
  if (grove__future_lock_used(w.f, w.h.generation)) {
    EXPLORE_CHECK(grove__future_generation(w.f) == w.h.generation);
    grove__future_leave(w.f);
  }
}
// Takes it and makes the slot another's.
static void take_and_make_the_next(void)
{
  grove__future *next;
  explore_wait(has_ended);
  EXPLORE_CHECK(take() == GROVE_OK);
  grove__stash *stash = grove__stash_open(&y, NULL); // as the slot was given back
  EXPLORE_CHECK(!grove__future_create(&y, NULL, stash, &number, true, &next) && next == w.f);
  grove__stash_close(NULL, stash);
  next->call_deadline = 1; // which who looks by the old handle must not see change under his hands
  next->more = true;
  grove__future_open(next);
  EXPLORE_CHECK(grove__future_handle(next).generation == w.h.generation + 1);
  grove__future_drop(next, w.h.generation + 1);
  grove__future_let_go(next);
}
static void next_over(void)
{
  EXPLORE_CHECK(w.f->word == grove__future_word_free(w.h.generation + 2));
  EXPLORE_CHECK(grove__slab_in_use(&y.futures) == 0 && y.outside_count == 0);
}
static void taken_once(void)
{
  all_over();
  EXPLORE_CHECK(w.taken == 1);
}

static const explore_case cases[] = {
    {"taken", begin, {run, take_when_ended, look_at_it}, look, taken_once, 3, 0, 0},
    {"by two", begin, {run, take_when_ended, take_when_ended}, look, taken_once, 3, 0, 0},
    {"dropped", begin, {run, drop, look_at_it}, look, all_over, 3, 0, 0},
    {"expired", begin, {run, expire, take_when_ended}, look, taken_once, 3, 0, 0},
    {"expired and dropped", begin, {run, expire, drop}, look, all_over, 3, 0, 0},
    {"waited for", begin_waited, {run, wait_and_take, look_at_it}, look, taken_once, 3, 0, 0},
    {"waited for, expired", begin_waited, {run, wait_and_take, expire}, look, taken_once, 3, 0, 0},
    {"the next use", begin, {run, take_and_make_the_next, look_at_it}, NULL, next_over, 3, 0, 0},
    {"late stores", begin, {run, take_when_ended, look_at_it}, look, taken_once, 2, 0, 1},
};

static int more; // of switches
static void test_cases(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    explore_case c = cases[i];
    c.switches += more;
    long runs = explore_all(&c);
    print_message("%s: %ld interleavings\n", cases[i].name, runs);
    assert_true(runs > 50);
  }
}

// [MORE]: so many switches more than by default.
int main(int argc, char **argv)
{
  more = argc > 1 ? atoi(argv[1]) : more;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
