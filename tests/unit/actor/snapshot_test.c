// Snapshots: filters, orders, pages, totals; against what a plain walk says.
#include "actors.h"

#define leafy_LIST(S, M) HAND_METHODS(S, M, leafy)
HANDS(leafy, .mailbox = 0)

enum { MANY = 300 };
static grove_info row[MANY + 10];

static grove_page page_of(grove *g, const grove_snapshot_options *o, size_t room)
{
  grove_page p = {.struct_size = sizeof p};
  memset(row, 0x5a, sizeof row);
  check_ok(grove_snapshot_page(g, o, row, sizeof *row, room, &p));
  return p;
}
#define PAGE(G, ROOM, ...) page_of(G, &(grove_snapshot_options){GROVE_SNAPSHOT, __VA_ARGS__}, ROOM)

static grove_status job_tree(grove *self, hand_state *s, void *user, long *reply)
{
  grove_ref *out = user;
  (void)s, (void)reply;
  out[0] = spawn_of(self, &leafy_class);
  out[1] = spawn_of(self, &leafy_class);
  return grove_ref_status(out[1]);
}

static void test_filters(void **state)
{
  struct rig *r = *state;
  grove_ref a[4], low[2], lower[2];
  static const char *const name[4] = {"alpha.one", "alpha.two", NULL, NULL};
  static const char *const label[4] = {NULL, "a twin", "twin of it", NULL};
  for (int i = 0; i < 4; i++) {
    a[i] = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
        &(grove_spawn_options){GROVE_SPAWN, .name = name[i], .label = label[i]});
  }
  check_ok(ask_and_get(r->g, a[1], job_tree, low, NULL, NULL));
  check_ok(grove_get(
      r->g, ask_of(r->g, low[0], &leafy_run_method, job_tree, lower), 20000, NULL, 0, NULL));
  assert_int_equal(PAGE(r->g, 10, .contains = "twin").total, 2);
  assert_true(grove_ref_equal(row[0].ref, a[1]));
  assert_true(grove_ref_equal(row[1].ref, a[2]));
  assert_int_equal(PAGE(r->g, 10, .contains = "pha.").total, 2);
  assert_int_equal(PAGE(r->g, 10, .contains = "pha.", .name_prefix = "alpha.t").total, 1);
  assert_int_equal(PAGE(r->g, 10, .class_name = "leafy").total, 4);
  assert_int_equal(PAGE(r->g, 10, .class_name = "leaf").total, 0);
  assert_int_equal(PAGE(r->g, 10, .of_class = &leafy_class, .contains = "twin").total, 0);
  assert_int_equal(PAGE(r->g, 10, .under = a[1]).total, 4);
  assert_true(grove_ref_equal(row[0].ref, low[0]));
  assert_true(grove_ref_equal(row[3].ref, lower[1]));
  assert_int_equal(PAGE(r->g, 10, .under = low[0]).total, 2);
  assert_int_equal(PAGE(r->g, 10, .under = lower[0]).total, 0);
  assert_int_equal(PAGE(r->g, 10, .under = grove_self(r->g)).total, 8);
  assert_int_equal(PAGE(r->g, 10, .children_of = grove_self(r->g)).total, 4);
  assert_true(grove_ref_equal(row[3].ref, a[3]));
  assert_int_equal(PAGE(r->g, 10, .children_of = a[1]).total, 2);
  assert_true(grove_ref_equal(row[0].ref, low[0]));
  assert_true(grove_ref_equal(row[1].ref, low[1]));
  assert_int_equal(PAGE(r->g, 10, .children_of = a[1], .class_name = "hand").total, 0);
  assert_int_equal(PAGE(r->g, 10, .children_of = lower[0]).total, 0);
  assert_int_equal(PAGE(r->g, 10, .min_children = 1, .ended = 1).total, 2);
  assert_true(grove_ref_equal(row[0].ref, a[1]));
  assert_true(grove_ref_equal(row[1].ref, low[0]));
  assert_int_equal(PAGE(r->g, 10, .min_children = 3).total, 0);
  pause_point p;
  memset(&p, 0, sizeof p);
  grove_future f = ask(r->g, a[3], job_pause, &p);
  rig_until(r, &p.begun, 1);
  for (int i = 0; i < 3; i++) {
    check_ok(tell(r->g, a[3], job_echo, NULL));
  }
  assert_int_equal(PAGE(r->g, 10, .min_depth = 3).total, 1);
  assert_true(grove_ref_equal(row[0].ref, a[3]));
  assert_int_equal(PAGE(r->g, 10, .min_depth = 4).total, 0);
  for (int tries = 0;
       tries < 10000 && PAGE(r->g, 10, .phases = 1u << GROVE_PHASE_WAITING).total != 1; tries++) {
    check_ok(grove_sleep(r->g, 1));
  }
  assert_int_equal(PAGE(r->g, 10, .phases = 1u << GROVE_PHASE_WAITING).total, 1);
  pause_end(r->g, &p, 1);
  check_ok(grove_get(r->g, f, 20000, NULL, 0, NULL));
  // the dead, by the same filters
  for (int i = 0; i < 2; i++) {
    check_ok(grove_get(r->g, grove_exit(r->g, a[i], 20000), 20000, NULL, 0, NULL));
  }
  grove_page page = PAGE(r->g, 10, .ended = 1);
  assert_int_equal(page.live, 2);
  assert_int_equal(page.dead, 6);
  assert_int_equal(page.total, 8);
  assert_int_equal(page.shown, 8);
  assert_true(grove_ref_equal(row[2].ref, a[1])); // the newest first
  page = PAGE(r->g, 10, .ended = 1, .class_name = "leafy");
  assert_int_equal(page.live, 0);
  assert_int_equal(page.dead, 4);
  assert_int_equal(PAGE(r->g, 10, .ended = 1, .of_class = &leafy_class).dead, 4);
  assert_int_equal(PAGE(r->g, 10, .ended = 1, .contains = "twin").total, 2);
  assert_int_equal(PAGE(r->g, 10, .ended = 1, .phases = 1u << GROVE_PHASE_ENDED).live, 0);
  assert_int_equal(PAGE(r->g, 10, .ended = 1, .phases = 1u << GROVE_PHASE_STUCK).total, 0);
  assert_int_equal(PAGE(r->g, 10, .ended = 1, .children_of = a[1]).dead, 2);
  assert_int_equal(PAGE(r->g, 10, .children_of = a[1]).total, 0);
  assert_int_equal(PAGE(r->g, 10, .under = a[1]).total, 0); // who is gone has nobody
}

static grove_status job_hold_bytes(grove *self, hand_state *s, void *user, long *reply)
{
  const grove_allocator *a = grove_actor_allocator(self);
  (void)reply;
  size_t bytes = (size_t)(intptr_t)user;
  s->memory = a->realloc_fn(a->user, s->memory, (size_t)s->number, bytes);
  s->number = (long)bytes;
  return GROVE_OK;
}

// Orders and pages of many, against the whole list.
static void test_orders_and_pages(void **state)
{
  struct rig *r = *state;
  static grove_ref a[MANY];
  static grove_info whole[MANY];
  uint64_t random = 99;
  for (int i = 0; i < MANY; i++) {
    char name[32];
    snprintf(name, sizeof name, "n%03d", (i * 7919) % 1000);
    a[i] = spawn_plan(r->g, (hand_plan){NULL, NULL, NULL, NULL},
        &(grove_spawn_options){
            GROVE_SPAWN, .name = i % 3 ? name : NULL, .label = i % 3 == 0 && i % 2 ? name : NULL});
    random = random * 6364136223846793005u + 1442695040888963407u;
    int jobs = (int)(random >> 61);
    for (int k = 0; k < jobs; k++) {
      check_ok(
          ask_and_get(r->g, a[i], job_hold_bytes, (void *)(intptr_t)(random >> 50), NULL, NULL));
    }
  }
  static const uint32_t orders[] = {GROVE_SORT_SPAWNED, GROVE_SORT_DEPTH, GROVE_SORT_BYTES,
      GROVE_SORT_OLDEST, GROVE_SORT_HANDLED, GROVE_SORT_FAILED, GROVE_SORT_RESTARTS,
      GROVE_SORT_NAME};
  for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
    assert_int_equal(PAGE(r->g, MANY, .sort = orders[k]).total, MANY);
    memcpy(whole, row, sizeof whole);
    for (int i = 1; i < MANY; i++) {
      const grove_info *x = &whole[i - 1], *y = &whole[i];
      bool later = x->ref.which < y->ref.which;
      const char *n = x->name[0] ? x->name : x->label, *m = y->name[0] ? y->name : y->label;
      switch (orders[k]) {
      case GROVE_SORT_BYTES:
        assert_true(x->bytes > y->bytes || (x->bytes == y->bytes && later));
        break;
      case GROVE_SORT_HANDLED:
        assert_true(x->handled > y->handled || (x->handled == y->handled && later));
        break;
      case GROVE_SORT_NAME:
        assert_true(n[0] || !m[0]);
        assert_true(!m[0] || strcmp(n, m) < 0 || (strcmp(n, m) == 0 && later));
        break;
      default: assert_true(later);
      }
    }
    for (uint64_t offset = 0; offset < MANY + 20; offset += 37) { // pages cut it where it says
      grove_page p = PAGE(r->g, 37, .sort = orders[k], .offset = offset);
      uint64_t rest = offset < MANY ? MANY - offset : 0;
      assert_int_equal(p.total, MANY);
      assert_int_equal(p.offset, offset);
      assert_int_equal(p.shown, rest < 37 ? rest : 37);
      for (uint64_t i = 0; i < p.shown; i++) {
        assert_true(grove_ref_equal(row[i].ref, whole[offset + i].ref));
      }
      assert_int_equal(row[p.shown].phase, 0x5a5a5a5a); // nothing is written behind it
    }
  }
  for (int i = 0; i < MANY; i++) {
    check_ok(ask_and_get(r->g, a[i], job_hold_bytes, NULL, NULL, NULL));
  }
  // a page that ends among the dead
  check_ok(grove_get(r->g, grove_exit(r->g, a[7], 20000), 20000, NULL, 0, NULL));
  check_ok(grove_get(r->g, grove_exit(r->g, a[8], 20000), 20000, NULL, 0, NULL));
  grove_page p = PAGE(r->g, 4, .ended = 1, .offset = MANY - 3);
  assert_int_equal(p.shown, 3);
  assert_int_equal(p.total, MANY);
  assert_true(grove_ref_equal(row[0].ref, a[MANY - 1]));
  assert_true(grove_ref_equal(row[1].ref, a[8]));
  assert_true(grove_ref_equal(row[2].ref, a[7]));
  p = PAGE(r->g, 4, .ended = 1, .offset = MANY - 1);
  assert_int_equal(p.shown, 1);
  assert_true(grove_ref_equal(row[0].ref, a[7]));
  check_status(grove_snapshot_page(r->g, NULL, row, sizeof *row, 1, NULL), GROVE_EINVAL);
  check_status(grove_snapshot_page(r->g, &(grove_snapshot_options){GROVE_SNAPSHOT, .sort = 99}, row,
                   sizeof *row, 1, &p),
      GROVE_EINVAL);
}

// Busy for so long.
static grove_status job_burn(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s;
  int64_t until = grove_now_ns(self) + *(const int64_t *)user;
  while (grove_now_ns(self) < until) {}
  *reply = 0;
  return GROVE_OK;
}

// Its time is charged at the end of its turn, after the answer has come.
static void burn(rig *r, grove_ref who, const int64_t *ns)
{
  grove_info i = {.struct_size = sizeof i};
  check_ok(ask_and_get(r->g, who, job_burn, (void *)(uintptr_t)ns, NULL, NULL));
  for (int tries = 0; tries < 20000 && i.busy_ns < (uint64_t)*ns / 2; tries++) {
    check_ok(grove_sleep(r->g, 1));
    check_ok(grove_inspect(r->g, who, &i));
  }
  assert_true(i.busy_ns >= (uint64_t)*ns / 2);
}

// Who was busy in all, and who was lately.
static void test_busy_lately(void **state)
{
  struct rig *r = *state;
  static const int64_t much = 200000000, little = 40000000;
  grove_ref a = spawn_hand(r->g), b = spawn_hand(r->g);
  burn(r, a, &much);
  assert_int_equal(PAGE(r->g, 10, .sort = GROVE_SORT_RECENT).total, 2);
  assert_true(grove_ref_equal(row[0].ref, a)); // nobody asked before: all of it
  burn(r, b, &little);
  assert_int_equal(PAGE(r->g, 10, .sort = GROVE_SORT_BUSY).total, 2);
  assert_true(grove_ref_equal(row[0].ref, a));
  for (int i = 0; i < 20000 && !grove_ref_equal(row[0].ref, b); i++) { // it looks back by a second or more
    check_ok(grove_sleep(r->g, 1));
    assert_int_equal(PAGE(r->g, 10, .sort = GROVE_SORT_RECENT).total, 2);
  }
  assert_true(grove_ref_equal(row[0].ref, b));
  assert_int_equal(PAGE(r->g, 10, .sort = GROVE_SORT_BUSY).total, 2);
  assert_true(grove_ref_equal(row[0].ref, a));
}

static const rig_test tests[] = {
    THREADED(test_busy_lately),
    EVERYWHERE(test_filters),
    EVERYWHERE(test_orders_and_pages),
};

int main(int argc, char **argv)
{
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
