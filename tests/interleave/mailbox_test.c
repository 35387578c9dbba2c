// The mailbox and its word in every interleaving of its small cases: what is pushed is handled once, in order, or was
// refused; a task is queued once; no limit is passed, and none is met that was not reached; nobody waits for ever.
#include "mailbox_world.h"

// ---- cases -----------------------------------------------------------------------------------------------

static void begin_plain(void)
{
  open_world(8);
  senders = 2;
}
static void begin_lone(void)
{
  begin_plain();
  w.takes_lone = true;
}
static void begin_lone_tight(void)
{
  open_world(1);
  senders = 2;
  w.takes_lone = true;
}
// The same, and a push may begin the turn.
static void begin_begun(void)
{
  begin_lone();
  w.begins = true;
}
static void begin_begun_tight(void)
{
  begin_lone_tight();
  w.begins = true;
}
static void begin_tight(void)
{
  open_world(1);
  senders = 2;
}
static void begin_of_two(void)
{
  open_world(2);
  senders = 2;
}
static void all_sent(void)
{
  at_rest();
  EXPLORE_CHECK(w.accepted[0] == 2 && w.accepted[1] == 1);
}

// What is no letter: the turn that it asks for begins after it.
static void notify_twice(void)
{
  for (int i = 0; i < 2; i++) {
    w.told++;
    if (grove__word_notify(&w.word) == GROVE__WORD_IDLE) {
      put_in_queue();
    }
  }
  w.returned++;
}
static void all_seen(void)
{
  at_rest();
  EXPLORE_CHECK(w.seen == 2);
}

// Its owner closes it in its turn, and takes what came before.
static void consume_and_close(void)
{
  explore_wait(has_turn_or_is_over);
  begin_turn();
  grove__letter *l = grove__mailbox_pop(&w.box);
  if (l) {
    handle(l);
  }
  grove__mailbox_close(&w.box);
  for (grove__letter *next = grove__mailbox_pop_all(&w.box); (l = next);) {
    next = l->next;
    handle(l);
  }
}

// Somebody else gives it up, while its consumer is at it, who has his last turn after that.
static void take_all(void)
{
  for (grove__letter *l, *next = grove__mailbox_pop_all(&w.box); (l = next);) {
    next = l->next;
    handle_any(l);
  }
}
static void give_up_the_consumer(void)
{
  bool rest;
  grove__mailbox_close(&w.box);
  for (grove__letter *l, *next = grove__mailbox_pop_untaken(&w.box, &rest); (l = next);) {
    next = l->next;
    handle_any(l);
  }
}
static void consume_given_up(void)
{
  explore_wait(has_turn_or_is_over);
  begin_turn();
  for (grove__letter *l; (l = grove__mailbox_pop(&w.box));) {
    handle_any(l);
  }
}
// The same in its second turn, which a push may have begun.
static void begin_begun_alone(void)
{
  begin_plain();
  senders = 1;
  w.begins = true;
}
static void consume_given_up_later(void)
{
  begin_turn();
  for (grove__letter *l; (l = grove__mailbox_pop(&w.box));) {
    handle_any(l);
  }
  end_turn(GROVE__REST_EMPTY);
  explore_wait(has_turn_or_is_over);
  if (w.queued) {
    consume_given_up();
  }
}
static void end_given_up(void)
{
  take_all(); // its last turn
  all_handled();
}

// The slot has its next life, and a sender of the one before comes late.
static void begin_old_life(void)
{
  open_world(8);
  senders = 2;
  grove__mailbox_close(&w.box);
  grove__mailbox_open(&w.box, OLD_LIFE, 8, 0);
  EXPLORE_CHECK(!grove__mailbox_begin(&w.box)); // it is queued already
}
static void begin_begun_old_life(void)
{
  begin_old_life();
  w.begins = true;
}
static void send_late(void)
{
  (void)push_one(0, 0, OLD_LIFE);
  w.returned++;
}
static void handle_of_two_lives(void)
{
  for (grove__letter *l; (l = grove__mailbox_pop(&w.box));) {
    numbered *n = (numbered *)(void *)l;
    EXPLORE_CHECK(l->life == LIFE || n->sender == 0);
    handle(l);
  }
}
static void live_twice(void)
{
  begin_turn();
  grove__mailbox_close(&w.box);
  take_all();
  atomic_fetch_and_explicit(
      &w.word, ~(uint64_t)GROVE__WORD_STATE, memory_order_relaxed); // as GROVE__TURN_FREE does
  EXPLORE_CHECK(w.queued == 0);
  open_life();
  EXPLORE_CHECK(grove__mailbox_begin(&w.box));
  put_in_queue();
  w.second_life = true;
  take_turns(handle_of_two_lives);
}
static bool is_second_life(int me)
{
  (void)me;
  return w.second_life;
}
static void send_to_second(void)
{
  explore_wait(is_second_life);
  send(1, 2);
}

// Puts the first letter back, until another comes.
static void begin_kept(void)
{
  open_world(2);
  over = 1;
  senders = 2;
}
static void keep_until_opened(void)
{
  for (grove__letter *l; (l = grove__mailbox_pop(&w.box));) {
    numbered *n = (numbered *)(void *)l;
    if (n->sender == 0 && !w.opened && !grove__mailbox_keep_room(&w.box, l, false)) {
      grove__mailbox_keep(&w.box, l);
      continue;
    }
    w.opened = w.opened || n->sender == 1;
    handle_any(l); // one that can't be put back overtakes those that were
    if (w.opened) {
      grove__mailbox_unkeep(&w.box);
    }
  }
}
static void consume_keeping(void)
{
  take_turns(keep_until_opened);
}
static void end_kept(void)
{
  at_rest();
  EXPLORE_CHECK(w.accepted[1] == 1); // what opens finds room
}

// A mark of who wants room, late, makes for one turn more.
static void end_last_turn(void)
{
  end_turn(GROVE__REST_EMPTY);
  while (w.queued) {
    begin_turn();
    EXPLORE_CHECK(!grove__mailbox_pop(&w.box));
    end_turn(GROVE__REST_EMPTY);
  }
}

// Stops in the middle of its turn until the waiting sender's letter is there: that one must have been told.
static void begin_full(void)
{
  begin_of_two();
  EXPLORE_CHECK(!push_one(2, 0, LIFE));
  EXPLORE_CHECK(!push_one(2, 1, LIFE));
}
// What it has popped is told for two at once.
static void begin_batched(void)
{
  begin_full();
  batch = 2;
}
static bool both_are_in(int me)
{
  (void)me;
  return w.returned == 2;
}
static void consume_one_and_stop(void)
{
  begin_turn();
  handle(grove__mailbox_pop(&w.box));
  grove__mailbox_settle(&w.box);
  handle(grove__mailbox_pop(&w.box));
  grove__mailbox_settle(&w.box);
  explore_wait(both_are_in);
  handle_all();
  end_last_turn();
}
// The same with one place alone, and stores that are seen late.
static void begin_one_full(void)
{
  begin_tight();
  EXPLORE_CHECK(!push_one(2, 0, LIFE));
}
static void consume_all_and_stop(void)
{
  begin_turn();
  handle(grove__mailbox_pop(&w.box));
  grove__mailbox_settle(&w.box);
  explore_point(); // its stores are seen only when it waits
  explore_wait(both_are_in);
  handle_all();
  end_last_turn();
}
static void wait_and_send_first(void)
{
  send_patiently(0, 1);
}

// One that begins to wait, is woken by something else, and is still listed when there is room.
static void begin_filled(void)
{
  uint32_t most = GROVE__WORD_COUNT_MOST;
  open_world(most < MORE ? most : MORE);
  senders = 2;
  for (int i = 0; i < (int)limit; i++) {
    EXPLORE_CHECK(!push_box(LIFE, &w.more[i], false));
  }
}
static void wait_and_give_up(void)
{
  int me = explore_self();
  w.waiter[me] = (grove__room_waiter){.fire = fire, .user = &w.fired[me]};
  if (grove__mailbox_wait(&w.box, LIFE, 1, &w.waiter[me])) {
    w.gave_up[me] = !w.fired[me]; // as one decides for a waiter: the first one does
    explore_point();
    grove__mailbox_unwait(&w.box, &w.waiter[me]);
  }
  w.returned++;
}
// Takes one, and then stops in the middle of its turn until the other's letter is there.
static bool other_is_in(int me)
{
  (void)me;
  return w.accepted[1] == 1;
}
static void consume_one_then_stop(void)
{
  begin_turn();
  (void)grove__mailbox_pop(&w.box);
  grove__mailbox_settle(&w.box);
  explore_wait(other_is_in);
  for (grove__letter *l; (l = grove__mailbox_pop(&w.box));) {
    if (l < w.more || l >= w.more + MORE) {
      handle(l);
    }
  }
  end_last_turn();
}

// Of a full mailbox the oldest are dropped, but not what lasts.
static void begin_dropping(void)
{
  open_world(2);
  over = 2;
  senders = 2;
}
static void force_two(void)
{
  for (int i = 0; i < 2; i++) {
    w.accepted[0] += !push_box(LIFE, &w.letter[i].letter, true);
  }
  w.returned++;
}
static void force_lasting(void)
{
  w.letter[EACH].letter.kind = GROVE__LETTER_LASTING;
  w.accepted[1] += !push_box(LIFE, &w.letter[EACH].letter, true);
  w.letter[EACH + 1].letter.lane = GROVE__LANE_HIGH;
  w.accepted[1] += !push_box(LIFE, &w.letter[EACH + 1].letter, true);
  w.returned++;
}
static grove__letter *pop_after_drops(void)
{
  grove__letter *l = grove__mailbox_is_over(&w.box) ? grove__mailbox_pop_lowest(&w.box) : NULL;
  EXPLORE_CHECK(!l || l->kind == GROVE__LETTER_PLAIN);
  return l ? l : grove__mailbox_pop(&w.box);
}
static void drop_and_handle_all(void)
{
  for (grove__letter *l; (l = pop_after_drops());) {
    handle_any(l);
  }
}
static void consume_dropping(void)
{
  take_turns(drop_and_handle_all);
}

// Given up while its method is about to put its message back, or has and then fails.
static void consume_and_keep_late(void)
{
  explore_wait(has_turn_or_is_over);
  begin_turn();
  for (grove__letter *l; (l = grove__mailbox_pop(&w.box));) {
    bool kept = !grove__mailbox_keep_room(&w.box, l, false);
    if (kept && ((numbered *)(void *)l)->n == 0) {
      grove__mailbox_keep(&w.box, l);
      continue;
    }
    if (kept) {
      grove__mailbox_forgo(&w.box, l);
    }
    handle_any(l);
  }
}

// Takes one, is about to stand in a wait of its method, and has turns in which nothing is taken: who began to wait for room
// when the last look was over must still hear of it.
static void consume_one_and_take_no_more(void)
{
  begin_turn();
  handle(grove__mailbox_pop(&w.box));
  grove__mailbox_settle(&w.box);
  end_turn(GROVE__REST_UNTOLD);
  while (w.returned < 2) {
    explore_wait(has_turn_or_is_over);
    if (w.queued) {
      begin_turn();
      end_turn(w.returned < 2 ? GROVE__REST_UNTOLD : GROVE__REST_NEVER);
    }
  }
  if (!w.queued) {
    grove__word_notify(&w.word);
    put_in_queue();
  }
  begin_turn();
  handle_all();
  end_last_turn();
}
static void wait_or_not(void)
{
  w.returned++;
}

static const explore_case cases[] = {
    {"two senders", begin_plain, {consume, send_two, send_one}, look, all_sent, 2, 1, 0},
    {"two lanes", begin_plain, {consume, send_two, send_high}, look, all_sent, 2, 0, 0},
    {"alone", begin_lone, {consume, send_two, send_one}, look, all_sent, 2, 0, 0},
    {"alone, two lanes", begin_lone, {consume, send_two, send_high}, look, all_sent, 2, 0, 0},
    {"alone, one place", begin_lone_tight, {consume, wait_and_send_two, wait_and_send_one}, look, all_sent, 2, 0, 0},
    {"alone, late stores", begin_lone, {consume, send_two, send_one}, look, all_sent, 1, 0, 1},
    {"begun", begin_begun, {consume, send_two, send_one}, look, all_sent, 2, 0, 0},
    {"begun, two lanes", begin_begun, {consume, send_two, send_high}, look, all_sent, 2, 0, 0},
    {"begun, one place", begin_begun_tight, {consume, wait_and_send_two, wait_and_send_one}, look, all_sent, 2, 0, 0},
    {"begun, late stores", begin_begun, {consume, send_two, send_one}, look, all_sent, 1, 0, 1},
    {"begun, and noticed", begin_begun, {consume, notify_twice, send_one}, look, all_seen, 2, 1, 0},
    {"begun, giving up", begin_begun_alone, {consume_given_up_later, send_two, give_up_the_consumer}, look, end_given_up, 2, 0, 0},
    {"begun, the next life", begin_begun_old_life, {live_twice, send_late, send_to_second}, NULL, at_rest, 2, 0, 0},
    {"late stores", begin_plain, {consume, send_two, send_one}, look, all_sent, 1, 0, 1},
    {"a full one", begin_of_two, {consume, send_two, send_other_two}, look, at_rest, 2, 0, 0},
    {"one place", begin_tight, {consume, wait_and_send_two, wait_and_send_one}, look, all_sent, 2, 0, 0},
    {"notices", begin_plain, {consume, notify_twice, send_one}, look, all_seen, 2, 1, 0},
    {"closing", begin_plain, {consume_and_close, send_two, send_one}, look, all_handled, 2, 1, 0},
    {"giving up", begin_plain, {consume_given_up, send_two, give_up_the_consumer}, look, end_given_up, 2, 0, 0},
    {"the next life", begin_old_life, {live_twice, send_late, send_to_second}, NULL, at_rest, 2, 0, 0},
    {"putting back", begin_kept, {consume_keeping, send_two, wait_and_send_one}, look, end_kept, 2, 0, 0},
    {"giving up waiting", begin_filled, {consume_one_then_stop, wait_and_give_up, wait_and_send_one}, look, at_rest, 2, 0, 0},
    {"dropping", begin_dropping, {consume_dropping, force_two, force_lasting}, look, at_rest, 2, 0, 0},
    {"late to put back", begin_kept, {consume_and_keep_late, send_two, give_up_the_consumer}, look, end_given_up, 2, 0, 0},
    {"told in batches", begin_batched, {consume, wait_and_send_first, wait_and_send_one}, look, at_rest, 2, 0, 0},
    {"stopping, told in batches", begin_batched, {consume_one_and_stop, wait_and_send_first, wait_and_send_one}, look, at_rest, 2, 0, 0},
    {"stopping, late stores", begin_one_full, {consume_all_and_stop, wait_and_send_first, wait_or_not}, look, at_rest, 2, 0, 1},
    {"suspended", begin_full, {consume_one_and_take_no_more, wait_and_send_first, wait_or_not}, look, at_rest, 2, 0, 0},
    {"stopping", begin_full, {consume_one_and_stop, wait_and_send_first, wait_and_send_one}, look, at_rest, 2, 0, 0},
};

static int more; // of switches and delays
static void run_all(int how)
{
  accounted = how;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    explore_case c = cases[i];
    if (how && (!strncmp(c.name, "alone", 5) || !strncmp(c.name, "begun", 5))) {
      continue; // neither is there
    }
    // By bytes the exchanges and locks are those of an account, which is looked at whole; and neither uses the word's count.
    bool known = how == BY_BYTES || (how == ACCOUNTED && GROVE__WORD_COUNT_BITS < 16);
    c.switches += known && !more ? -1 : more;
    c.delays += more > 0 ? more : 0; // -1: any number
    c.spurious = more > 0 ? 0 : c.spurious; // else there are too many
    long runs = explore_all(&c);
    print_message("%s%s: %ld interleavings\n", cases[i].name, how == BY_BYTES ? ", by bytes" : how ? ", on account" : "", runs);
    assert_true(runs > 100);
  }
}
static void test_without_account(void **state)
{
  (void)state;
  run_all(PLAIN);
}
static void test_on_account(void **state)
{
  (void)state;
  run_all(ACCOUNTED);
}
static void test_by_bytes(void **state)
{
  (void)state;
  run_all(BY_BYTES);
}

// Without bounds, at random.
static uint64_t seed = 1;
static long some = 10000;
static void test_at_random(void **state)
{
  (void)state;
  for (int k = PLAIN; k <= BY_BYTES; k++) {
    accounted = k;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      explore_case c = cases[i];
      c.switches = -1;
      c.spurious = 3;
      c.delays = 3;
      assert_int_equal(explore_some(&c, seed, some), some);
    }
  }
}

// [MORE [SEED [RUNS]]]: so many switches and delays more than by default; at random, from that seed, so many runs a case
int main(int argc, char **argv)
{
  more = argc > 1 ? atoi(argv[1]) : more;
  seed = argc > 2 ? strtoull(argv[2], NULL, 0) : seed;
  some = argc > 3 ? strtol(argv[3], NULL, 0) : some;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_without_account),
      cmocka_unit_test(test_on_account),
      cmocka_unit_test(test_by_bytes),
      cmocka_unit_test(test_at_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
