// Get-or-create, with the moment between finding a name's holder and looking at it stretched: grove__cell_find is wrapped
// (CMakeLists.txt), and the holder ends there, and its slot becomes another actor's.
#include "actor/cell.h"
#include "actors.h"

#define other_LIST(S, M) HAND_METHODS(S, M, other)
HANDS(other, .mailbox = 0)

static struct {
  rig *r;
  grove_ref holder; // whom it is about; nobody: not armed
  grove_ref in_its_slot;
} between;

grove_status __real_grove__cell_find(grove__system *y, grove_ref r, grove__cell **out);
grove_status __wrap_grove__cell_find(grove__system *y, grove_ref r, grove__cell **out);

// The holder ends, and others are spawned until one of them has its slot.
static void replace(rig *r, grove_ref holder)
{
  check_ok(grove_get(r->g, grove_exit(r->g, holder, 0), 20000, NULL, 0, NULL));
  for (int i = 0; i < 1000 && !between.in_its_slot.where; i++) {
    grove_ref a = spawn_of(r->g, &other_class);
    check_ok(grove_ref_status(a));
    if (a.where == holder.where) {
      between.in_its_slot = a;
    }
  }
}

grove_status __wrap_grove__cell_find(grove__system *y, grove_ref r, grove__cell **out)
{
  grove_status s = __real_grove__cell_find(y, r, out);
  if (!s && between.holder.where && grove_ref_equal(r, between.holder)) {
    between.holder = GROVE_NOBODY;
    replace(between.r, r);
  }
  return s;
}

static void test_a_holder_that_ends_when_it_is_found(void **state)
{
  struct rig *r = *state;
  hand_plan plan = {.start = NULL};
  grove_spawn_options o = {GROVE_SPAWN, .name = "phoenix"};
  for (int i = 0; i < 20; i++) {
    bool created = false;
    grove_ref a = grove_spawn_or_find(r->g, &hand_class, &plan, &o, &created);
    check_ok(grove_ref_status(a));
    assert_true(created);
    between.r = r;
    between.in_its_slot = GROVE_NOBODY;
    between.holder = a;
    grove_ref b = grove_spawn_or_find(r->g, &hand_class, &plan, &o, &created);
    assert_true(between.in_its_slot.where != 0); // it did happen
    check_ok(grove_ref_status(b));
    assert_true(created); // the name was free, and is its
    assert_true(grove_ref_equal(grove_find(r->g, "phoenix"), b));
    long n = 0;
    check_ok(ask_and_get(r->g, b, job_echo, (void *)7, &n, NULL));
    assert_int_equal(n, 7);
    check_ok(grove_get(r->g, grove_exit(r->g, b, 0), 20000, NULL, 0, NULL));
  }
}

static const rig_test tests[] = {ON(SIM, test_a_holder_that_ends_when_it_is_found)};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
