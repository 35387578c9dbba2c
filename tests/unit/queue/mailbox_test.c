// The mailbox: order, lanes, limits, lives, waiting for room; producers at once.
#include "mailbox_box.h"
#include <uv.h>

static void test_order_and_lanes(void **state)
{
  (void)state;
  numbered l[6];
  open_box(7, 10, 0);
  static const uint32_t lanes[] = {1, 1, 0, 1, 0, 1};
  for (int i = 0; i < 6; i++) {
    l[i] = letter(i, lanes[i], 1);
    check_ok(push_box(7, &l[i].letter, false));
  }
  assert_int_equal(told, 1); // who made it queued
  run();
  assert_int_equal(grove__mailbox_count(&task.box), 6);
  assert_int_equal(grove__mailbox_bytes(&task.box), 6);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 2);
  assert_int_equal(number(grove__mailbox_pop_lowest(&task.box)), 0);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 4);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1);
  // put back: before those that are there
  grove__mailbox_unkeep(&task.box); // none is
  put_back(&l[0]);
  put_back(&l[1]);
  assert_int_equal(grove__mailbox_count(&task.box), 4);
  assert_int_equal(grove__mailbox_ready(&task.box), 2);
  grove__mailbox_unkeep(&task.box);
  assert_int_equal(grove__mailbox_ready(&task.box), 4);
  grove__letter *all = grove__mailbox_pop_all(&task.box);
  static const long order[] = {0, 1, 3, 5};
  for (int i = 0; i < 4; i++, all = all->next) {
    assert_int_equal(number(all), order[i]);
  }
  assert_null(all);
  assert_int_equal(grove__mailbox_count(&task.box), 0);
  assert_int_equal(grove__mailbox_bytes(&task.box), 0);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), -1);
  assert_int_equal(number(grove__mailbox_pop_lowest(&task.box)), -1);
  check_ok(push_box(7, &l[3].letter, false)); // while it runs nobody is told
  assert_false(rest());
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 3);
  assert_true(rest());
  check_ok(push_box(7, &l[3].letter, false));
  assert_int_equal(told, 2);
  assert_int_equal(state_of(), GROVE__WORD_QUEUED);
}

// A high letter comes before normal ones that the consumer has already taken from the senders.
static void test_high_ones_come_first(void **state)
{
  (void)state;
  numbered l[4];
  open_box(7, 10, 0);
  for (int i = 0; i < 3; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 1);
    check_ok(push_box(7, &l[i].letter, false));
  }
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 0);
  l[3] = letter(3, GROVE__LANE_HIGH, 1);
  check_ok(push_box(7, &l[3].letter, false));
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 3);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1);
}

// Of many high letters in a row one normal one comes between; the streak counts only while one waits.
static void test_normal_ones_are_not_starved(void **state)
{
  (void)state;
  enum { HIGH = 3 * GROVE__HIGH_STREAK };
  numbered high[HIGH], normal[2];
  open_box(7, 10000, 0);
  for (int i = 0; i < HIGH; i++) {
    high[i] = letter(i, GROVE__LANE_HIGH, 1);
    check_ok(push_box(7, &high[i].letter, false));
  }
  for (int i = 0; i < GROVE__HIGH_STREAK; i++) {
    assert_int_equal(number(grove__mailbox_pop(&task.box)), i);
  }
  for (int i = 0; i < 2; i++) {
    normal[i] = letter(1000 + i, GROVE__LANE_NORMAL, 1);
    check_ok(push_box(7, &normal[i].letter, false));
  }
  for (int i = 0; i < GROVE__HIGH_STREAK; i++) {
    assert_int_equal(number(grove__mailbox_pop(&task.box)), GROVE__HIGH_STREAK + i);
  }
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1000);
  for (int i = 0; i < GROVE__HIGH_STREAK; i++) {
    assert_int_equal(number(grove__mailbox_pop(&task.box)), 2 * GROVE__HIGH_STREAK + i);
  }
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1001);
}

// Without account: what the word can't count is full, too, and comes out whole when it was forced in.
static void test_more_than_the_word_counts(void **state)
{
  (void)state;
  enum { MANY = GROVE__WORD_COUNT_MOST + 100 };
  numbered *l = calloc(MANY, sizeof *l);
  assert_non_null(l);
  open_box(7, GROVE__WORD_COUNT_MOST, 0);
  long refused = -1;
  for (long i = 0; i < MANY; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 1);
    bool full = push_box(7, &l[i].letter, false) != GROVE_OK;
    if (full) {
      refused = refused < 0 ? i : refused;
      grove__room_waiter w = {.fire = NULL};
      assert_true(grove__mailbox_wait(&task.box, 7, 1, &w)); // who may not push may wait
      grove__mailbox_unwait(&task.box, &w);
      check_ok(push_box(7, &l[i].letter, true));
    }
  }
  assert_int_equal(refused, GROVE__WORD_COUNT_MOST);
  for (long i = 0; i < MANY; i++) {
    assert_int_equal(number(grove__mailbox_pop(&task.box)), i);
    assert_int_equal(grove__mailbox_count(&task.box), MANY - 1 - i);
  }
  assert_int_equal(grove__mailbox_bytes(&task.box), 0);
  free(l);
}

static void test_limits(void **state)
{
  (void)state;
  numbered l[6];
  for (int i = 0; i < 6; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 30);
  }
  for (int i = 0; i < 3; i++) {
    check_ok(push_box(7, &l[i].letter, false));
  }
  check_status(push_box(7, &l[3].letter, false), GROVE_EAGAIN);
  assert_false(grove__mailbox_is_over(&task.box));
  check_ok(push_box(7, &l[3].letter, true)); // by force
  assert_int_equal(grove__mailbox_count(&task.box), 4);
  assert_true(grove__mailbox_is_over(&task.box)); // in letters, and in bytes (120 of 100)
  (void)grove__mailbox_pop(&task.box);
  assert_false(grove__mailbox_is_over(&task.box));
  (void)grove__mailbox_pop_all(&task.box);
  l[0].letter.bytes = 90;
  check_ok(push_box(7, &l[0].letter, true));
  check_ok(push_box(7, &l[1].letter, true));
  assert_true(grove__mailbox_is_over(&task.box)); // in bytes alone
  (void)grove__mailbox_pop_all(&task.box);
  l[0] = letter(
      0, GROVE__LANE_HIGH, 1000); // one that is too large for any mailbox gets through an empty one
  check_ok(push_box(7, &l[0].letter, false));
  l[1] = letter(1, GROVE__LANE_HIGH, 1);
  check_status(push_box(7, &l[1].letter, false), GROVE_EAGAIN);
  (void)grove__mailbox_pop(&task.box);
  check_ok(push_box(7, &l[1].letter, false));
}

static void test_lives(void **state)
{
  (void)state;
  numbered l = letter(1, GROVE__LANE_NORMAL, 1);
  check_status(push_box(6, &l.letter, true), GROVE_ENOACTOR);
  grove__mailbox_close(&task.box);
  check_status(push_box(7, &l.letter, true), GROVE_ENOACTOR);
  assert_int_equal(told, 0);
  open_box(8, 1, 0);
  check_status(push_box(7, &l.letter, true), GROVE_ENOACTOR);
  check_ok(push_box(8, &l.letter, false));
  assert_true(l.letter.life == 8); // by which a letter that was late for its life is known
  grove__mailbox_close(&task.box);
  assert_int_equal(number(grove__mailbox_pop_all(&task.box)), 1); // what was pushed before is there
}

// Prepared, it takes nothing and wakes nobody, whoever believes that it is open; and when it begins, its task is the
// opener's to put in a queue, not that of who pushes first.
static void test_nothing_before_it_begins(void **state)
{
  (void)state;
  numbered l = letter(1, GROVE__LANE_NORMAL, 1);
  grove__mailbox_close(&task.box);
  atomic_store(&told, 0);
  grove__mailbox_open(&task.box, 8, 3, 0);
  check_status(push_box(8, &l.letter, false), GROVE_ENOACTOR);
  check_status(push_box(8, &l.letter, true), GROVE_ENOACTOR);
  assert_int_equal(state_of(), GROVE__WORD_IDLE);
  assert_true(grove__mailbox_begin(&task.box));
  assert_int_equal(state_of(), GROVE__WORD_QUEUED);
  check_ok(push_box(8, &l.letter, false));
  assert_int_equal(told, 0);
  run();
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1);
}

// What a life has popped and not told does not take its places from the next one in the slot.
static void test_the_next_life_has_all_its_places(void **state)
{
  (void)state;
  enum { N = 40 };
  numbered l[N], mark = letter(N, GROVE__LANE_NORMAL, 1), next = letter(0, GROVE__LANE_NORMAL, 1);
  mark.letter.kind = GROVE__LETTER_END;
  grove__mailbox_close(&task.box);
  open_box(8, 65535, 0);
  for (long i = 0; i < N; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 1);
    check_ok(push_box(8, &l[i].letter, false));
  }
  check_ok(push_box(8, &mark.letter, true));
  run();
  for (long i = 0; i <= N; i++) {
    assert_int_equal(number(grove__mailbox_pop(&task.box)), i);
  }
  grove__mailbox_close(&task.box);
  grove__mailbox_open(&task.box, 9, 8, 0);
  (void)grove__mailbox_begin(&task.box);
  check_ok(push_box(9, &next.letter, false));
}

// One that was popped before what is not counted is told before the consumer rests.
static void test_all_is_told_before_a_rest(void **state)
{
  (void)state;
  enum { LIMIT = 48 };
  numbered l[LIMIT], tick = letter(2, GROVE__LANE_NORMAL, 1);
  tick.letter.kind = GROVE__LETTER_LASTING;
  grove__mailbox_close(&task.box);
  open_box(8, LIMIT, 0);
  for (long i = 0; i < 2; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 1);
    check_ok(push_box(8, &l[i].letter, false));
  }
  check_ok(push_box(8, &tick.letter, true));
  run();
  for (long i = 0; i < 3; i++) {
    assert_int_equal(number(grove__mailbox_pop(&task.box)), i);
  }
  assert_true(!grove__mailbox_is_dry(&task.box) || atomic_load(&task.box.popped) == 2);
  assert_null(grove__mailbox_pop(&task.box));
  assert_true(grove__mailbox_is_dry(&task.box));
  for (long i = 0; i < LIMIT; i++) {
    l[i] = letter(i, GROVE__LANE_NORMAL, 1);
    check_ok(push_box(8, &l[i].letter, false));
  }
}

// A letter that was pushed without account, for the life before, is not taken off the account of the next.
static void test_the_account_is_of_one_life(void **state)
{
  (void)state;
#if defined(GROVE_LOCKED_QUEUES)
  skip(); // there every letter is pushed on the account of its own life
#endif
  numbered late = letter(1, GROVE__LANE_NORMAL, 30), own = letter(2, GROVE__LANE_NORMAL, 40);
  open_box(8, 3, 0);
  check_ok(push_box(8, &late.letter, false));
  open_box(9, 3, 100); // while it is still in the word
  check_ok(push_box(9, &own.letter, false));
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1);
  assert_int_equal(grove__mailbox_count(&task.box), 1);
  assert_int_equal(grove__mailbox_bytes(&task.box), 40);
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 2);
  assert_int_equal(grove__mailbox_count(&task.box), 0);
  assert_int_equal(grove__mailbox_bytes(&task.box), 0);
}

static void test_waiting_for_room(void **state)
{
  (void)state;
  numbered l[4];
  int fired[4] = {0};
  grove__room_waiter w[4];
  for (int i = 0; i < 4; i++) {
    w[i] = (grove__room_waiter){.fire = count_fire, .user = &fired[i]};
    l[i] = letter(i, GROVE__LANE_NORMAL, 1);
  }
  assert_false(grove__mailbox_wait(&task.box, 7, 1, &w[0])); // there is room
  for (int i = 0; i < 3; i++) {
    check_ok(push_box(7, &l[i].letter, false));
  }
  assert_false(grove__mailbox_wait(&task.box, 6, 1, &w[0])); // another life: no use waiting
  for (int i = 0; i < 4; i++) {
    assert_true(grove__mailbox_wait(&task.box, 7, 1, &w[i]));
  }
  grove__mailbox_unwait(&task.box, &w[1]); // from the middle
  grove__mailbox_unwait(&task.box, &w[1]); // twice: nothing
  (void)grove__mailbox_pop(&task.box);
  assert_true(fired[0] == 1 && !fired[1] && !fired[2] && !fired[3]); // one for one
  (void)grove__mailbox_pop(&task.box);
  assert_int_equal(fired[2], 1);
  assert_int_equal(fired[3], 0);
  (void)grove__mailbox_pop(&task.box);
  assert_int_equal(fired[3], 1);
  run();
  assert_true(rest());
  // when nothing is left to be taken nobody may still wait
  for (int i = 0; i < 3; i++) {
    check_ok(push_box(7, &l[i].letter, false));
    w[i] = (grove__room_waiter){.fire = count_fire, .user = &fired[i]};
    fired[i] = 0;
  }
  for (int i = 0; i < 3; i++) {
    assert_true(grove__mailbox_wait(&task.box, 7, 1, &w[i]));
  }
  (void)grove__mailbox_pop_all(&task.box);
  assert_true(fired[0] == 1 && fired[1] == 1 && fired[2] == 1);
  for (int i = 0; i < 3; i++) {
    check_ok(push_box(7, &l[i].letter, false));
  }
  assert_true(grove__mailbox_wait(&task.box, 7, 1, &w[0]));
  grove__mailbox_close(&task.box); // nor when it closes
  assert_int_equal(fired[0], 2);
}

// One that stops in the middle of a turn leaves nobody waiting for whom there is room, however little it has taken and
// whenever they began to wait.
static void test_room_is_told_before_a_stop(void **state)
{
  (void)state;
  enum { LIMIT = 8 };
  numbered l[2 * LIMIT];
  int fired = 0, next = 0;
  grove__room_waiter w = {.fire = count_fire, .user = &fired};
  open_box(7, LIMIT, 0);
  for (; next < LIMIT; next++) {
    l[next] = letter(next, GROVE__LANE_NORMAL, 1);
    check_ok(push_box(7, &l[next].letter, false));
  }
  run();
  assert_true(grove__mailbox_wait(&task.box, 7, 1, &w));
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 0);
  grove__mailbox_settle(&task.box);
  assert_int_equal(fired, 1);
  grove__mailbox_settle(&task.box); // nobody waits: nothing
  // It has letters of its own, and who begins to wait now has not been looked for.
  l[next] = letter(next, GROVE__LANE_NORMAL, 1);
  check_ok(push_box(7, &l[next].letter, false));
  assert_true(grove__mailbox_wait(&task.box, 7, 1, &w));
  assert_int_equal(number(grove__mailbox_pop(&task.box)), 1);
  grove__mailbox_settle(&task.box);
  assert_int_equal(fired, 2);
  // And who waits again at once finds that room.
  assert_false(grove__mailbox_wait(&task.box, 7, 1, &w));
  while (grove__mailbox_pop(&task.box)) {
  }
  assert_true(rest());
}

// ---- producers at once: each one's letters stay in their order, none is lost -------------------------------
enum { PRODUCERS = 4, EACH = 20001 };
typedef struct producer {
  numbered *letters;
  int id;
  long refused;
} producer;
static void produce(void *user)
{
  producer *p = user;
  for (long i = 0; i < EACH; i++) {
    numbered *l = &p->letters[i];
    *l = letter(i, i % 7 == 0 ? GROVE__LANE_HIGH : GROVE__LANE_NORMAL, 1);
    l->producer = p->id;
    while (push_box(7, &l->letter, false)) {
      p->refused++;
      grove__thread_relax();
    }
  }
}
static void test_producers_at_once(void **state)
{
  (void)state;
  static producer p[PRODUCERS];
  uv_thread_t t[PRODUCERS];
  long last[PRODUCERS][GROVE__LANES], turns = 0;
  open_box(7, 100, *state ? 1000000 : 0); // accounted, or not
  for (int i = 0; i < PRODUCERS; i++) {
    p[i] = (producer){calloc(EACH, sizeof(numbered)), i, 0};
    assert_non_null(p[i].letters);
    last[i][0] = last[i][1] = -1;
    assert_int_equal(uv_thread_create(&t[i], produce, &p[i]), 0);
  }
  for (long taken = 0; taken < (long)PRODUCERS * EACH;) {
    assert_true(grove__mailbox_count(&task.box) <= 100); // which finds rather too many than too few
    assert_true(grove__mailbox_ready(&task.box) <= 100);
    if (state_of() == GROVE__WORD_IDLE) {
      grove__thread_relax();
      continue;
    }
    if (state_of() == GROVE__WORD_QUEUED) {
      run();
      turns++;
    }
    grove__letter *l = grove__mailbox_pop(&task.box);
    if (!l) {
      (void)rest();
      continue;
    }
    numbered *n = (numbered *)(void *)l;
    assert_true(n->n > last[n->producer][l->lane]);
    last[n->producer][l->lane] = n->n;
    taken++;
  }
  for (int i = 0; i < PRODUCERS; i++) {
    uv_thread_join(&t[i]);
    free(p[i].letters);
    assert_int_equal(last[i][GROVE__LANE_NORMAL], EACH - 1);
  }
  assert_int_equal(grove__mailbox_count(&task.box), 0);
  assert_int_equal(told, turns); // each turn was told of once
}

static void test_accounted_producers_at_once(void **state)
{
  int accounted = 1;
  *state = &accounted;
  test_producers_at_once(state);
  *state = NULL;
}

// ---- producers that wait for room: nobody waits for ever ---------------------------------------------------
typedef struct sleeper {
  grove__mutex lock;
  grove__cond cond;
  bool woken; // guarded by lock
} sleeper;
static bool wake(void *user)
{
  sleeper *s = user;
  grove__mutex_lock(&s->lock);
  s->woken = true;
  grove__cond_signal(&s->cond);
  grove__mutex_unlock(&s->lock);
  return true;
}
static void produce_patiently(void *user)
{
  producer *p = user;
  sleeper s;
  check_ok(grove__mutex_init(&s.lock));
  check_ok(grove__cond_init(&s.cond));
  for (long i = 0; i < EACH; i++) {
    numbered *l = &p->letters[i];
    *l = letter(i, GROVE__LANE_NORMAL, 1);
    l->producer = p->id;
    while (push_box(7, &l->letter, false)) {
      grove__room_waiter w = {.fire = wake, .user = &s};
      s.woken = false;
      if (grove__mailbox_wait(&task.box, 7, 1, &w)) {
        grove__mutex_lock(&s.lock);
        while (!s.woken) {
          grove__cond_wait(&s.cond, &s.lock);
        }
        grove__mutex_unlock(&s.lock);
        grove__mailbox_unwait(&task.box, &w);
        p->refused++;
      }
    }
  }
  grove__cond_deinit(&s.cond);
  grove__mutex_deinit(&s.lock);
}
static void test_waiters_at_once(void **state)
{
  (void)state;
  static producer p[PRODUCERS];
  uv_thread_t t[PRODUCERS];
  open_box(7, 8, 0);
  for (int i = 0; i < PRODUCERS; i++) {
    p[i] = (producer){calloc(EACH, sizeof(numbered)), i, 0};
    assert_non_null(p[i].letters);
    assert_int_equal(uv_thread_create(&t[i], produce_patiently, &p[i]), 0);
  }
  for (long taken = 0; taken < (long)PRODUCERS * EACH;) {
    if (state_of() == GROVE__WORD_IDLE) {
      grove__thread_relax();
      continue;
    }
    if (state_of() == GROVE__WORD_QUEUED) {
      run();
    }
    if (grove__mailbox_pop(&task.box)) {
      taken++;
    } else {
      (void)rest();
    }
  }
  for (int i = 0; i < PRODUCERS; i++) {
    uv_thread_join(&t[i]);
    free(p[i].letters);
  }
}

static int fired;
static bool count_fired(void *user)
{
  (void)user;
  fired++;
  return true;
}
static void test_budget(void **state)
{
  (void)state;
  numbered a = letter(1, GROVE__LANE_NORMAL, 60), b = letter(2, GROVE__LANE_NORMAL, 30);
  open_box(7, 100, 0);
  assert_true(grove__mailbox_reserve(&task.box, 1000000)); // no budget, nothing is counted
  grove__mailbox_budget(&task.box, 100, 20);
  assert_true(grove__mailbox_reserve(&task.box, 80));
  assert_false(grove__mailbox_reserve(&task.box, 1));
  check_ok(push_box(7, &a.letter, false)); // an empty one takes any
  check_status(push_box(7, &b.letter, false), GROVE_EAGAIN);
  grove__room_waiter w = {.fire = count_fired};
  fired = 0;
  assert_true(grove__mailbox_wait(&task.box, 7, 30, &w));
  assert_true(grove__mailbox_reserve(&task.box, -80)); // which tells who waits for room
  assert_int_equal(fired, 1);
  assert_false(grove__mailbox_wait(&task.box, 7, 20, &w));
  check_status(push_box(7, &b.letter, false), GROVE_EAGAIN); // 20 + 60 + 30
  b.letter.bytes = 20;
  check_ok(push_box(7, &b.letter, false));
  assert_false(grove__mailbox_reserve(&task.box, 1));
  assert_ptr_equal(grove__mailbox_pop(&task.box), &a.letter);
  assert_true(grove__mailbox_reserve(&task.box, 60));
  assert_ptr_equal(grove__mailbox_pop(&task.box), &b.letter);
  open_box(8, 100, 0); // the next life has none
  assert_true(grove__mailbox_reserve(&task.box, 1000000));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_order_and_lanes, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_normal_ones_are_not_starved, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_high_ones_come_first, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_more_than_the_word_counts, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_limits, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_lives, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_nothing_before_it_begins, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_the_next_life_has_all_its_places, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_all_is_told_before_a_rest, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_the_account_is_of_one_life, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_waiting_for_room, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_room_is_told_before_a_stop, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_budget, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_producers_at_once, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_accounted_producers_at_once, setup_box, teardown_box),
      cmocka_unit_test_setup_teardown(test_waiters_at_once, setup_box, teardown_box),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
