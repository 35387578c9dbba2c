// A sender that is late: it found the life it meant, stood still while that ended and another began in the same slot, and
// pushes then. grove__mailbox_push is wrapped (CMakeLists.txt), and the slot changes hands there.
#include "actor/cell.h"
#include "actors.h"

#define dropper_LIST(S, M) HAND_METHODS(S, M, dropper)
HANDS(dropper, .mailbox = 4, .full = GROVE_FULL_DROP_OLD)

static struct {
  rig *r;
  grove_ref meant; // whom it is about; nobody: not armed
  const grove_class *next;
  grove_ref in_its_slot;
} between;

grove_status __real_grove__mailbox_push(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force, bool *queued);
grove_status __wrap_grove__mailbox_push(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force, bool *queued);

static void replace(rig *r, grove_ref meant)
{
  check_ok(grove_get(r->g, grove_exit(r->g, meant, 0), 20000, NULL, 0, NULL));
  for (int i = 0; i < 1000 && !between.in_its_slot.where; i++) {
    grove_ref a = spawn_of(r->g, between.next);
    check_ok(grove_ref_status(a));
    if (a.where == meant.where) {
      between.in_its_slot = a;
    }
  }
}

// The look at whose mailbox it is was before, the push is after. Nobody runs between: this is in simulation.
grove_status __wrap_grove__mailbox_push(
    grove__mailbox *m, uint64_t life, grove__letter *letter, bool force, bool *queued)
{
  if (between.meant.where && life == between.meant.which) {
    rig *r = between.r;
    grove_ref meant = between.meant;
    between.meant = GROVE_NOBODY;
    replace(r, meant);
    assert_true(between.in_its_slot.where != 0);
    uint64_t now = atomic_load(&m->life);
    assert_true(now != 0 && now != life);
    grove_status s = __real_grove__mailbox_push(m, now, letter, force, queued);
    letter->life = life;
    return s;
  }
  return __real_grove__mailbox_push(m, life, letter, force, queued);
}

static void check_late(rig *r, const grove_class *next)
{
  long n = 0;
  grove_ref a = spawn_of(r->g, &hand_class);
  check_ok(grove_ref_status(a));
  check_ok(ask_and_get(r->g, a, job_echo, (void *)5, &n, NULL));
  between.r = r;
  between.next = next;
  between.in_its_slot = GROVE_NOBODY;
  between.meant = a;
  grove_error err = {0};
  grove_status s = ask_and_get(r->g, a, job_echo, (void *)6, &n, &err);
  assert_true(between.in_its_slot.where != 0); // it did happen
  check_status(s, GROVE_ENOACTOR);             // and not the answer of another
  assert_int_equal(n, 0);
  if (next == &hand_class) {
    check_ok(ask_and_get(r->g, between.in_its_slot, job_echo, (void *)7, &n, NULL));
    assert_int_equal(n, 7);
  }
  check_ok(grove_get(r->g, grove_exit(r->g, between.in_its_slot, 0), 20000, NULL, 0, NULL));
}

static void test_a_late_letter_is_not_the_next_lifes(void **state)
{
  rig *r = *state;
  for (int i = 0; i < 10; i++) {
    check_late(r, &hand_class);
    check_late(r, &dropper_class);
  }
}

static const rig_test tests[] = {ON(SIM, test_a_late_letter_is_not_the_next_lifes)};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
