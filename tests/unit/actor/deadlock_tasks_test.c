// Circles of waits through tasks, of which one waits for all: he is registered with one of them, and waits for the others as well.
#include "actors.h"

enum { TASKS = 4 };
typedef struct scene {
  grove_ref parent;
  int hands_on; // which of the tasks does
  pause_point pause[TASKS];
  atomic_int handed_on, ended;
  grove_status got;
  grove_error words;
} scene;
typedef struct part {
  scene *x;
  int i;
} part;
GROVE_TYPE(part)
GROVE_FUNCTION(take_part, part, long)

static bool waits(grove *self, grove_ref who)
{
  grove_info info = {.struct_size = sizeof info};
  check_ok(grove_inspect(self, who, &info));
  return info.phase == GROVE_PHASE_WAITING;
}

// Whether the parent waits, and all other tasks have begun to: nothing ends by itself any more.
static bool all_wait(grove *self, const scene *x)
{
  int others = 0;
  for (int i = 0; i < TASKS; i++) {
    others += i != x->hands_on && atomic_load(&x->pause[i].begun);
  }
  return others == TASKS - 1 && waits(self, x->parent);
}

// One hands its call on to its parent when that waits already, and then does as the others, who stay until somebody ends them.
static grove_status take_part(grove *self, const part *p, long *out)
{
  scene *x = p->x;
  grove_status s = GROVE_OK;
  if (p->i == x->hands_on) {
    grove_promise mine;
    grove_future echo;
    s = grove_promise_take(self, &mine);
    while (!s && !all_wait(self, x)) {
      s = grove_sleep(self, 1);
    }
    s = s ? s : grove_call_for(self, mine, x->parent, &hand_run_method, &(hand_job){job_echo, NULL}, &echo);
    atomic_fetch_add(&x->handed_on, !s);
  }
  return s ? s : job_pause(self, NULL, &x->pause[p->i], out);
}

static grove_status job_wait_for_tasks(grove *self, hand_state *s, void *user, long *reply)
{
  scene *x = user;
  take_part_future f[TASKS];
  long got[TASKS];
  (void)s;
  x->parent = grove_self(self);
  for (int i = 0; i < TASKS; i++) {
    f[i] = take_part_task(self, (part){x, i});
  }
  x->got = take_part_get_all(self, f, TASKS, GROVE_FOREVER, got, &x->words);
  *reply = 1;
  atomic_fetch_add(&x->ended, 1);
  return GROVE_OK;
}

static void test_a_task_hands_its_call_on_to_who_waits(void **state)
{
  struct rig *r = *state;
  static scene all[TASKS];
  memset(all, 0, sizeof all);
  for (int k = 0; k < TASKS; k++) {
    all[k].hands_on = k;
    check_ok(ask_and_get(r->g, spawn_hand(r->g), job_wait_for_tasks, &all[k], NULL, NULL));
    assert_int_equal(all[k].handed_on, 1);
    check_status(all[k].got, GROVE_EDEADLK);
    check_contains(all[k].words.text, "waits in a circle: ");
  }
}

static const rig_test tests[] = {
    EVERYWHERE(test_a_task_hands_its_call_on_to_who_waits),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
