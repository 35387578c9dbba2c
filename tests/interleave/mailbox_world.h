// A mailbox with its senders and its consumer, for the explorer: the world of mailbox_test.c.
#ifndef GROVE_TESTS_MAILBOX_WORLD_H
#define GROVE_TESTS_MAILBOX_WORLD_H
#include "explore.h"
static unsigned batch; // 0: as it is
#define GROVE__MAILBOX_BATCH(limit) (batch ? batch : (limit) / 16)
#include "queue/mailbox.c"
#include "queue/mailbox_take.c"
#include "check.h"
#include <stdlib.h>

enum { SENDERS = 3, EACH = 3, ALL = SENDERS * EACH, MORE = 8, OLD_LIFE = 7, LIFE = 8 };
typedef struct numbered {
  grove__letter letter;
  int sender, n;
} numbered;

static struct world {
  grove__word word;
  grove__mailbox box;
  grove__mailbox_rest rest;
  int queued;              // how often its task stands in a queue
  numbered letter[ALL];
  grove__letter more[MORE]; // of nobody
  int accepted[SENDERS];   // of each sender's, in order
  int returned;            // senders that are through
  int handled[ALL], last[SENDERS][GROVE__LANES];
  bool full_seen[EXPLORE_THREADS]; // since this thread began to push there was a moment without room
  grove__room_waiter waiter[EXPLORE_THREADS];
  bool fired[EXPLORE_THREADS], gave_up[EXPLORE_THREADS];
  int told, seen;          // notices of other kinds, and those that a turn began after
  bool second_life, opened;
  bool takes_lone;         // a letter that comes alone is taken with the beginning of a turn,
  grove__letter *lone;     // and this is it
  bool had_lone;           // the turn has begun so
  bool begins;             // who pushes to an idle one begins its turn,
  bool begun, alone;       // and has: it stands in a queue so; with that letter alone
} w;
static enum { PLAIN, ACCOUNTED, BY_BYTES } accounted; // how this round's cases are opened
static uint32_t limit, over;

static void put_in_queue(void)
{
  explore_drain(); // what is in a queue is seen with all that came before
  w.queued++;
  EXPLORE_CHECK(w.queued == 1);
}

static grove_status push_box(uint64_t life, grove__letter *letter, bool force)
{
  bool queued = false, begun = false;
  grove_status s = GROVE_ENOACTOR;
  if (w.begins && !grove__mailbox_is_accounted(&w.box) && !force && // as send.c
      atomic_load_explicit(&w.box.life, memory_order_acquire) == life) {
    letter->life = life;
    letter->counted = true; // as its marks say from the beginning
    bool normal = letter->lane == GROVE__LANE_NORMAL;
    begun = queued = normal && grove__mailbox_begin_alone(&w.box, letter);
    if (begun) {
      w.alone = grove__mailbox_receive_alone(&w.box, letter);
      if (!w.alone) {
        grove__mailbox_receive(&w.box, (uint64_t)(uintptr_t)letter);
      }
    }
    bool in = begun || (normal && grove__mailbox_push_usual(&w.box, letter, UINT32_MAX, &queued));
    s = in ? GROVE_OK : grove__mailbox_push_quickly(&w.box, life, letter, &queued);
  }
  if (s) {
    s = grove__mailbox_push(&w.box, life, letter, force, &queued);
  }
  if (queued) {
    put_in_queue();
    w.begun = begun;
  }
  return s;
}

// Each letter is a byte.
static void open_life(void)
{
  uint64_t bytes = accounted == BY_BYTES ? limit : accounted == ACCOUNTED ? 1000 : 0;
  grove__mailbox_open(&w.box, LIFE, accounted == BY_BYTES ? 1000 : limit, bytes);
}

static void open_world(uint32_t room)
{
  memset(&w, 0, sizeof w);
  limit = room;
  batch = 0;
  over = 0;
  static const grove__mailbox_rest none;
  EXPLORE_CHECK(!grove__mailbox_init(&w.box, &none));
  grove__mailbox_rest_init(&w.rest);
  grove__mailbox_extend(&w.box, &w.rest);
  open_life();
  EXPLORE_CHECK(grove__mailbox_begin(&w.box));
  w.queued = 1;
  for (int i = 0; i < ALL; i++) {
    w.letter[i] = (numbered){
        .letter = {.bytes = 1, .lane = GROVE__LANE_NORMAL}, .sender = i / EACH, .n = i % EACH};
  }
  for (int i = 0; i < MORE; i++) {
    w.more[i] = (grove__letter){.bytes = 1, .lane = GROVE__LANE_NORMAL};
  }
  memset(w.last, -1, sizeof w.last);
}

static uint32_t in_lists(void)
{
  uint32_t n = 0;
  for (grove__letter *l = grove__word_letters(w.word); l; l = l->next) {
    n++;
  }
  for (grove__letter *l = w.box.first; l; l = l->next) {
    n++;
  }
  for (grove__letter *l = w.box.high_last ? w.box.high_last->next : NULL; l; l = l == w.box.high_last ? NULL : l->next) {
    n++;
  }
  for (grove__letter *l = w.rest.kept_first; l; l = l->next) {
    n++;
  }
  return n;
}

static void look(void)
{
  uint32_t counted = accounted ? w.rest.count : grove__word_waiting(w.word, w.box.popped);
  EXPLORE_CHECK(in_lists() <= limit + over);
  EXPLORE_CHECK(counted <= limit + over);
  EXPLORE_CHECK(in_lists() <= counted + w.box.loose + w.box.lasting || accounted); // which is not too small
  for (int i = 0; i < EXPLORE_THREADS; i++) {
    w.full_seen[i] = w.full_seen[i] || counted >= limit;
  }
}

// ---- senders ---------------------------------------------------------------------------------------------

static grove_status push_one(int sender, int n, uint64_t life)
{
  w.full_seen[explore_self()] = false;
  look();
  grove_status s = push_box(life, &w.letter[sender * EACH + n].letter, false);
  EXPLORE_CHECK(s != GROVE_EAGAIN || w.full_seen[explore_self()]);
  w.accepted[sender] += s == GROVE_OK;
  return s;
}

static void send(int sender, int n)
{
  for (int i = 0; i < n; i++) {
    if (push_one(sender, i, LIFE)) {
      break; // so that what was accepted are its first ones
    }
  }
  w.returned++;
}
static void send_two(void)
{
  send(0, 2);
}
static void send_other_two(void)
{
  send(1, 2);
}
static void send_one(void)
{
  send(1, 1);
}
static void send_high(void)
{
  w.letter[EACH].letter.lane = GROVE__LANE_HIGH;
  send(1, 1);
}

static bool fire(void *user)
{
  bool *fired = user;
  bool waits = !w.gave_up[fired - w.fired];
  *fired = *fired || waits;
  return waits;
}
static bool is_fired(int me)
{
  return w.fired[me];
}

// Waits for room until all are in.
static void send_patiently(int sender, int n)
{
  int me = explore_self();
  for (int i = 0; i < n;) {
    grove_status s = push_one(sender, i, LIFE);
    EXPLORE_CHECK(s == GROVE_OK || s == GROVE_EAGAIN);
    if (!s) {
      i++;
      continue;
    }
    w.fired[me] = false;
    w.waiter[me] = (grove__room_waiter){.fire = fire, .user = &w.fired[me]};
    if (grove__mailbox_wait(&w.box, LIFE, 1, &w.waiter[me])) {
      explore_wait(is_fired);
      grove__mailbox_unwait(&w.box, &w.waiter[me]);
    }
  }
  w.returned++;
}
static void wait_and_send_two(void)
{
  send_patiently(0, 2);
}
static void wait_and_send_one(void)
{
  send_patiently(1, 1);
}

// ---- the consumer ----------------------------------------------------------------------------------------

static void handle_any(grove__letter *l)
{
  numbered *n = (numbered *)(void *)l;
  w.handled[n->sender * EACH + n->n]++;
}
static void handle(grove__letter *l)
{
  numbered *n = (numbered *)(void *)l;
  handle_any(l);
  EXPLORE_CHECK(n->n > w.last[n->sender][l->lane]);
  w.last[n->sender][l->lane] = n->n;
}

static void begin_turn(void)
{
  uint64_t word = w.begun ? 0 : grove__word_begin(&w.word, true);
  w.queued--;
  EXPLORE_CHECK(w.begun || grove__word_state(word) == GROVE__WORD_QUEUED);
  w.begun = false;
  w.seen = w.told;
  bool alone = w.alone && !word; // as turn.c; w.begun was so
  w.alone = false;
  if (alone && w.takes_lone) {
    w.lone = grove__mailbox_alone(&w.box);
    if (w.lone) {
      grove__mailbox_pop_alone(&w.box);
    }
    w.had_lone = w.lone;
    return;
  }
  w.lone = w.takes_lone && !grove__mailbox_is_accounted(&w.box) ? grove__mailbox_lone(&w.box, word) : NULL;
  if (w.lone && (w.lone->lane != GROVE__LANE_NORMAL || !w.lone->counted || !grove__mailbox_pop_lone(&w.box, word))) {
    w.lone = NULL;
  }
  w.had_lone = w.lone;
  if ((word & GROVE__WORD_TAKEN) && !w.lone) {
    grove__mailbox_receive(&w.box, word);
  }
}

static void end_turn(int rest)
{
  uint64_t none = w.had_lone && rest == GROVE__REST_EMPTY ? grove__mailbox_word_of_none(&w.box) : 0;
  if (none && grove__mailbox_leave(&w.box, none)) { // as turn.c
    return;
  }
  if (grove__word_leave(&w.word, rest) == GROVE__WORD_QUEUED) {
    put_in_queue();
  }
}

static int senders; // of the case
static bool has_turn_or_is_over(int me)
{
  (void)me;
  return w.queued > 0 || w.returned == senders;
}

// Turn after turn, in each of which `take` takes all that there is, until all senders are through.
static void take_turns(void (*take)(void))
{
  for (;;) {
    explore_wait(has_turn_or_is_over);
    if (!w.queued) {
      return;
    }
    begin_turn();
    take();
    end_turn(GROVE__REST_EMPTY);
  }
}

static void handle_all(void)
{
  if (w.lone) {
    handle(w.lone);
    w.lone = NULL;
  }
  for (grove__letter *l; (l = grove__mailbox_pop(&w.box));) {
    handle(l);
  }
}
static void consume(void)
{
  take_turns(handle_all);
}

static void all_handled(void)
{
  for (int i = 0; i < ALL; i++) {
    EXPLORE_CHECK(w.handled[i] == (i % EACH < w.accepted[i / EACH]));
  }
  EXPLORE_CHECK(grove__mailbox_count(&w.box) == 0 && grove__mailbox_bytes(&w.box) == 0);
  EXPLORE_CHECK(grove__mailbox_ready(&w.box) == 0 && in_lists() == 0);
  EXPLORE_CHECK(!w.rest.waiters_first);
}
static void at_rest(void)
{
  all_handled();
  EXPLORE_CHECK(!w.queued && grove__word_state(w.word) == GROVE__WORD_IDLE);
}
#endif
