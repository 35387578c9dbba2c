// No actor starves: how many turns of others pass, at most, between a message to one and its turn, on a single worker,
// while a crowd wakes one another as fast as it can, pairs talk through the slot, and some take all their time at once.
// Counted in turns, which do not depend on how fast or how loaded the machine is.
#include "check.h"
#include <grove.h>
#include <stdatomic.h>

enum {
  CROWD = 16,
  PAIRS = 3,
  GREEDY = 4,
  LOOKS = 200,
  // runtime: 64 turns from the slot at most, then one of the others, of which every 4th is the oldest of those that were
  // woken (queue/run_queue.h); all of the crowd may have been woken before.
  MOST_TURNS = 65 * 4 * (CROWD + 2 * PAIRS + GREEDY + 2)
};
static _Atomic bool over;

// ---- the crowd ---------------------------------------------------------------------------------------------
struct noisy {
  long me;
};
#define NOISY(START, METHOD) START(noisy, long) METHOD(noisy, wake, grove_none, grove_none)
GROVE_ACTOR_WITH(NOISY, noisy, .mailbox = 1, .full = GROVE_FULL_DROP_NEW)
static noisy_ref crowd[CROWD];
static grove_status noisy_start(grove *self, struct noisy *n, const long *me)
{
  (void)self;
  n->me = *me;
  return GROVE_OK;
}
static grove_status noisy_wake(
    grove *self, struct noisy *n, const grove_none *none, grove_none *out)
{
  (void)none;
  (void)out;
  if (atomic_load(&over)) {
    return GROVE_OK;
  }
  grove_status s = noisy_wake_send(self, crowd[(n->me * 5 + 1) % CROWD], GROVE_NONE);
  return s ? s : noisy_wake_send(self, crowd[(n->me * 7 + 3) % CROWD], GROVE_NONE);
}

// ---- pairs through the slot, and one that always has more to do --------------------------------------------
struct player {
  grove_ref other;
};
#define PLAYER(START, METHOD)                                                                      \
  START(player, grove_none) METHOD(player, meet, grove_ref, grove_none)                           \
      METHOD(player, hit, grove_none, grove_none)
GROVE_ACTOR(PLAYER, player)
static grove_status player_start(grove *self, struct player *p, const grove_none *none)
{
  (void)none;
  p->other = grove_self(self); // alone it plays with itself: its turn ends by its time alone
  return GROVE_OK;
}
static grove_status player_meet(
    grove *self, struct player *p, const grove_ref *other, grove_none *out)
{
  (void)self;
  (void)out;
  p->other = *other;
  return GROVE_OK;
}
static grove_status player_hit(
    grove *self, struct player *p, const grove_none *none, grove_none *out)
{
  (void)none;
  (void)out;
  return atomic_load(&over) ? GROVE_OK : player_hit_send(self, player__ref(p->other), GROVE_NONE);
}

// ---- who is waited for -------------------------------------------------------------------------------------
struct patient {
  uint64_t longest;
};
struct asker {
  long left;
  grove_promise done;
  grove_ref patient;
};
typedef struct note {
  uint64_t turns;
  grove_ref from;
} note;
GROVE_TYPE(note)
#define ASKER(START, METHOD)                                                                       \
  START(asker, grove_ref) METHOD(asker, run, long, uint64_t) METHOD(asker, again, uint64_t, grove_none)
#define PATIENT(START, METHOD) START(patient, grove_none) METHOD(patient, look, note, grove_none)
GROVE_INTERFACE(ASKER, asker)
GROVE_ACTOR(PATIENT, patient)
GROVE_CLASS(ASKER, asker)

static uint64_t turns_of(grove *self)
{
  grove_worker_stats w[4];
  size_t n = 0;
  uint64_t turns = 0;
  check_ok(grove_workers(self, w, sizeof *w, 4, &n));
  for (size_t i = 0; i < n && i < 4; i++) {
    turns += w[i].turns;
  }
  return turns;
}
static grove_status patient_start(grove *self, struct patient *p, const grove_none *none)
{
  (void)self;
  (void)none;
  p->longest = 0;
  return GROVE_OK;
}
static grove_status patient_look(grove *self, struct patient *p, const note *n, grove_none *out)
{
  (void)out;
  uint64_t waited = turns_of(self) - n->turns;
  p->longest = waited > p->longest ? waited : p->longest;
  return asker_again_send(self, asker__ref(n->from), p->longest);
}
// Wakes it, and then others after it, so that it is not in the slot but behind them.
static grove_status wake(grove *self, struct asker *a)
{
  grove_status s = patient_look_send(
      self, patient__ref(a->patient), (note){turns_of(self), grove_self(self)});
  for (int i = 0; i < CROWD && !s; i++) {
    s = noisy_wake_send(self, crowd[i], GROVE_NONE);
  }
  return s;
}
static grove_status asker_start(grove *self, struct asker *a, const grove_ref *patient)
{
  (void)self;
  a->patient = *patient;
  return GROVE_OK;
}
static grove_status asker_run(grove *self, struct asker *a, const long *n, uint64_t *out)
{
  (void)out;
  a->left = *n;
  grove_status s = grove_promise_take(self, &a->done);
  return s ? s : wake(self, a);
}
static grove_status asker_again(
    grove *self, struct asker *a, const uint64_t *longest, grove_none *out)
{
  (void)out;
  if (--a->left > 0) {
    return wake(self, a);
  }
  atomic_store(&over, true);
  return asker_run_answer(self, a->done, GROVE_OK, longest);
}

static void test_nobody_starves(void **state)
{
  (void)state;
  grove *g;
  grove_error err = {.status = GROVE_OK};
  uint64_t longest = 0;
  // One worker, and no stand-in for it when the machine holds it up.
  grove_options o = {GROVE_OPTIONS, .workers = 1, .turn_warn_ms = 600000};
  check_ok(grove_start(&o, &g));
  for (long i = 0; i < CROWD; i++) {
    crowd[i] = noisy_spawn(g, i, NULL);
  }
  for (int i = 0; i < PAIRS + GREEDY; i++) {
    player_ref a = player_spawn(g, GROVE_NONE, NULL);
    if (i < PAIRS) {
      player_ref b = player_spawn(g, GROVE_NONE, NULL);
      check_ok(player_meet_send(g, a, b.ref));
      check_ok(player_meet_send(g, b, a.ref));
    }
    check_ok(player_hit_send(g, a, GROVE_NONE));
  }
  patient_ref p = patient_spawn(g, GROVE_NONE, NULL);
  asker_ref a = asker_spawn(g, p.ref, NULL);
  check_ok_err(asker_run_ask(g, a, LOOKS, GROVE_FOREVER, &longest, &err), &err);
  print_message("at most %llu turns of others came before\n", (unsigned long long)longest);
  assert_in_range(longest, 1, MOST_TURNS);
  check_ok(grove_stop(g, 60000, NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nobody_starves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
