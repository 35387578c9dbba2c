// Killed at each wait point, holding memory and futures. Elsewhere: ending_test.c.
#include "actors.h"

static void get_down(struct rig *r, grove_future f, grove_error *down)
{
  check_ok(grove_get(r->g, f, 20000, down, sizeof *down, NULL));
}

// ---- killed at each wait point --------------------------------------------------------------------------
#define roomy_LIST(S, M) HAND_METHODS(S, M, roomy)
HANDS(roomy, .mailbox = 1, .full = GROVE_FULL_WAIT)

enum { POINTS = 12 };
typedef struct trail {
  grove_ref silent, full; // one never answers, one's mailbox is full
  int stand_at;           // the wait that does not end by itself
  bool ends;              // the actor is to end with it
  atomic_int at, after, freed;
  grove_future kept;
} trail;

static grove_future silent_call(grove *self, trail *t)
{
  return ask(self, t->silent, job_take, NULL);
}

// The k-th wait; the one where it is to be killed has nothing that would end it, all others end at once.
static grove_status wait_point(grove *self, trail *t, int k)
{
  bool stands = k == t->stand_at;
  grove_future f[3] = {silent_call(self, t), silent_call(self, t), silent_call(self, t)};
  int64_t ms = stands ? GROVE_FOREVER : 0;
  long n[3];
  size_t i;
  grove_status s;
  switch (k) {
  case 0: s = grove_get(self, f[0], ms, n, sizeof *n, NULL); break;
  case 1: s = grove_get(self, f[0], stands ? 1000000 : 1, n, sizeof *n, NULL); break;
  case 2: s = grove_get_all(self, f, 3, ms, n, sizeof *n, NULL); break;
  case 3: s = grove_get_all(self, f, 3, stands ? 1000000 : 1, n, sizeof *n, NULL); break;
  case 4: s = grove_wait(self, f, 3, 2, ms); break;
  case 5: s = grove_wait(self, f, 3, 3, ms); break;
  case 6: s = grove_next(self, f, 3, ms, &i); break;
  case 7: s = grove_sleep(self, stands ? GROVE_FOREVER : 1); break;
  case 8:
    do {
      s = grove_yield(self);
      s = s ? s : grove_sleep(self, 1);
    } while (!s && stands);
    break;
  case 9:
    s = stands ? grove_send(self, t->full, &roomy_run_method, &(hand_job){job_echo, NULL})
               : GROVE_OK;
    break;
  case 10: {
    grove_future m = grove_monitor(self, t->silent);
    s = grove_get(self, m, ms, NULL, 0, NULL);
    break;
  }
  default: {
    grove_promise p;
    grove_future own;
    s = grove_promise_create(self, long_type, &p, &own);
    s = s ? s : grove_get(self, own, ms, n, sizeof *n, NULL);
    break;
  }
  }
  return s == GROVE_ETIMEDOUT ? GROVE_OK : s;
}

static grove_status job_trail(grove *self, hand_state *s, void *user, long *reply)
{
  trail *t = user;
  grove_status status = GROVE_OK;
  s->future = silent_call(self, t); // held by the actor
  grove_keep(self, s->future);
  for (int k = 0; k < POINTS && !status; k++) {
    char *heap = malloc(1000); // held by the frame
    if (!heap) {
      return GROVE_ENOMEM;
    }
    memset(heap, k, 1000);
    atomic_store(&t->at, k);
    status = wait_point(self, t, k);
    atomic_fetch_add(&t->freed, heap[999] == k);
    free(heap);
  }
  // it is to end: whatever it tries now, it is told so
  long n;
  if (status &&
      (grove_yield(self) != GROVE_ECANCELED || grove_sleep(self, 5) != GROVE_ECANCELED ||
          grove_get(self, silent_call(self, t), 5, &n, sizeof n, NULL) != GROVE_ECANCELED ||
          (t->ends && grove_ref_status(spawn_hand(self)) != GROVE_ECANCELED))) {
    status = GROVE_EINTERNAL;
  }
  if (!status) {
    *reply = 1;
  }
  atomic_fetch_add(&t->after, status == GROVE_ECANCELED);
  return status;
}

static void destroy_state(hand_state *s)
{
  atomic_fetch_add((atomic_int *)s->plan.user, 1);
  free(s->memory);
}
static grove_status start_state(grove *self, hand_state *s, void *user, long *reply)
{
  (void)self, (void)user, (void)reply;
  s->memory = malloc(100); // held by the state
  return s->memory ? GROVE_OK : GROVE_ENOMEM;
}

static void test_killed_at_each_wait_point(void **state)
{
  struct rig *r = *state;
  static trail t;
  static atomic_int destroyed;
  static pause_point p;
  memset(&p, 0, sizeof p);
  grove_ref silent = spawn_hand(r->g), full = spawn_of(r->g, &roomy_class);
  grove_future busy = ask_of(r->g, full, &roomy_run_method, job_pause, &p);
  rig_until(r, &p.begun, 1);
  check_ok(grove_send(r->g, full, &roomy_run_method, &(hand_job){job_echo, NULL}));
  for (int how = 0; how < 3; how++) {
    for (int k = 0; k < POINTS; k++) {
      memset(&t, 0, sizeof t);
      atomic_store(&destroyed, 0);
      t.silent = silent;
      t.full = full;
      atomic_store(&t.at, -1); // not begun: also the first point is waited for
      t.stand_at = k;
      t.ends = how < 2;
      grove_error down;
      grove_ref a = spawn_plan(r->g,
          (hand_plan){.start = start_state, .destroy = destroy_state, .user = &destroyed}, NULL);
      grove_future f = ask(r->g, a, job_trail, &t), m = grove_monitor(r->g, a);
      grove_future behind = ask(r->g, a, job_echo, NULL);
      rig_until(r, &t.at, k);
      check_status(grove_get(r->g, f, 3, NULL, 0, NULL), GROVE_ETIMEDOUT);
      assert_int_equal(t.at, k);
      if (how == 0) {
        get_down(r, grove_exit(r->g, a, 0), &down); // killed
        check_status(down.status, GROVE_ECANCELED);
      } else if (how == 1) {
        get_down(r, grove_exit(r->g, a, 5), &down); // a grace that runs out
      } else {
        grove_cancel(r->g, f); // only the call: the actor lives on
        check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_ECANCELED);
        check_ok(grove_get(r->g, behind, 20000, NULL, 0, NULL));
        get_down(r, grove_exit(r->g, a, 20000), &down);
        check_status(down.status, GROVE_OK);
      }
      if (how < 2) {
        check_status(grove_get(r->g, f, 20000, NULL, 0, NULL), GROVE_EDEAD);
        check_status(grove_get(r->g, behind, 20000, NULL, 0, NULL), GROVE_EDEAD);
        assert_int_equal(t.after, 1);
      }
      get_down(r, m, &down);
      assert_int_equal(t.freed, k + 1);
      rig_until(r, &destroyed, 1);
      assert_int_equal(destroyed, 1);
    }
  }
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, busy, 20000, NULL, 0, NULL));
}

static const rig_test tests[] = {
    EVERYWHERE(test_killed_at_each_wait_point),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
