// Runs: what is told of them is what is read, bounded, and gone with the runtime.
#include "actors.h"
#include <grove/runs.h>
#include <math.h>

static grove_run_info info_of(grove *g, uint64_t run)
{
  grove_run_info all[64];
  size_t total;
  check_ok(grove_runs(g, all, sizeof *all, 64, &total));
  for (size_t i = 0; i < total && i < 64; i++) {
    if (all[i].id == run) {
      return all[i];
    }
  }
  return (grove_run_info){.id = 0};
}

static grove_run_item item_of(uint64_t index, uint32_t state, double result)
{
  return (grove_run_item){GROVE_RUN_ITEM, .index = index, .state = state, .result = result, .progress = (double)NAN};
}

static void tells(void **state)
{
  grove *g = ((rig *)*state)->g;
  uint64_t run = grove_run_begin(g, &(grove_run_options){GROVE_RUN, .kind = GROVE_RUN_TRAINING, .title = "three", .items = 3});
  assert_true(run > 0);
  grove_run_item item = item_of(0, GROVE_RUN_RUNNING, (double)NAN);
  snprintf(item.name, sizeof item.name, "first");
  grove_run_put(g, run, &item);
  item = item_of(1, GROVE_RUN_DONE, 0.5);
  grove_run_put(g, run, &item);
  item = item_of(2, GROVE_RUN_DONE, 0.25);
  grove_run_put(g, run, &item);
  uint64_t changes = info_of(g, run).changes;
  for (int i = 1; i <= 2000; i++) {
    grove_run_step(g, run, 0, i / 2000.0, "TRAINING", i, 1.0 / i);
  }
  grove_run_totals(g, run, 7, 8);
  grove_run_info info = info_of(g, run);
  assert_true(info.changes > changes);
  assert_int_equal(info.state, GROVE_RUN_RUNNING);
  assert_int_equal(info.done, 2);
  assert_int_equal(info.rows, 7);
  assert_int_equal(info.ended_ns, 0);
  assert_string_equal(info.title, "three");
  assert_true(grove_ref_equal(info.who, grove_self(g)));

  grove_run_item got[4];
  size_t total;
  check_ok(grove_run_items(g, run, GROVE_RUN_BY_RESULT, 0, got, sizeof *got, 4, &total));
  assert_int_equal(total, 3);
  assert_int_equal(got[0].index, 2);
  assert_int_equal(got[1].index, 1);
  assert_int_equal(got[2].index, 0); // it has no result yet
  assert_string_equal(got[2].name, "first");
  assert_string_equal(got[2].text, "TRAINING");
  check_ok(grove_run_items(g, run, GROVE_RUN_BY_STATE, 0, got, sizeof *got, 1, &total));
  assert_int_equal(got[0].index, 0);
  check_ok(grove_run_items(g, run, GROVE_RUN_BY_INDEX, 2, got, sizeof *got, 4, &total));
  assert_int_equal(got[0].index, 2);

  // A curve is thinned, and still goes from its beginning towards its end.
  double xy[2 * 512];
  size_t n;
  check_ok(grove_run_curve(g, run, 0, xy, 512, &n));
  assert_in_range(n, 250, 512);
  assert_true(xy[0] <= 8 && xy[2 * (n - 1)] > 1900);
  for (size_t i = 1; i < n; i++) {
    assert_true(xy[2 * i] > xy[2 * i - 2]);
  }
  check_ok(grove_run_curve(g, run, 1, NULL, 0, &n));
  assert_int_equal(n, 0);
  check_status(grove_run_curve(g, run, 9, NULL, 0, &n), GROVE_ENOENT);
  check_status(grove_run_items(g, run + 1, 0, 0, NULL, 0, 0, &total), GROVE_ENOENT);
  check_status(grove_run_items(g, run, 3, 0, NULL, 0, 0, &total), GROVE_EINVAL);
  check_status(grove_runs(NULL, NULL, 0, 0, &total), GROVE_EINVAL);
  grove_run_end(g, run, GROVE_RUN_FAILED, "no \"luck\"");
  info = info_of(g, run);
  assert_int_equal(info.state, GROVE_RUN_FAILED);
  assert_true(info.ended_ns != 0);
  assert_string_equal(info.text, "no \"luck\"");
}

// What can't be kept is lost without harm: unknown runs, wrong states, no runtime.
static void lost(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_run_item item = item_of(0, 77, 0);
  assert_int_equal(grove_run_begin(NULL, NULL), 0);
  assert_int_equal(grove_run_begin(g, &(grove_run_options){.struct_size = 1}), 0);
  grove_run_put(g, 0, &item);
  grove_run_step(g, 5, 0, 0, NULL, 0, 0);
  grove_run_totals(g, 5, 0, 0);
  grove_run_end(g, 5, GROVE_RUN_DONE, NULL);
  uint64_t run = grove_run_begin(g, NULL);
  grove_run_put(g, run, &item);
  grove_run_put(g, run, NULL);
  size_t total = 9;
  check_ok(grove_run_items(g, run, 0, 0, NULL, 0, 0, &total));
  assert_int_equal(total, 1); // the zero item of the second
}

// Those that end are forgotten but for the last; of items there are never more than 1,000, failed ones stay.
static void bounded(void **state)
{
  grove *g = ((rig *)*state)->g;
  uint64_t first = grove_run_begin(g, &(grove_run_options){GROVE_RUN, .items = 3000});
  for (uint64_t i = 0; i < 3000; i++) {
    grove_run_item item = item_of(i, GROVE_RUN_RUNNING, (double)NAN);
    grove_run_put(g, first, &item);
    item.state = i == 500 ? GROVE_RUN_FAILED : GROVE_RUN_DONE;
    grove_run_put(g, first, &item);
  }
  grove_run_info info = info_of(g, first);
  assert_int_equal(info.done, 2999);
  assert_int_equal(info.failed, 1);
  grove_run_item got;
  size_t total;
  check_ok(grove_run_items(g, first, GROVE_RUN_BY_STATE, 0, &got, sizeof got, 1, &total));
  assert_int_equal(total, 1000);
  assert_int_equal(got.index, 500);
  for (int i = 0; i < 40; i++) {
    grove_run_end(g, grove_run_begin(g, NULL), GROVE_RUN_DONE, NULL);
  }
  check_ok(grove_runs(g, NULL, 0, 0, &total));
  assert_int_equal(total, 17); // 16, and the first, which goes on
  assert_int_equal(info_of(g, first).id, first);
}

static grove_status job_begin(grove *self, hand_state *s, void *user, long *reply)
{
  (void)s, (void)user;
  *reply = (long)grove_run_begin(self, NULL);
  return GROVE_OK;
}

static void by_actors(void **state)
{
  grove *g = ((rig *)*state)->g;
  long run;
  grove_ref a = spawn_hand(g);
  check_ok(ask_and_get(g, a, job_begin, NULL, &run, NULL));
  assert_true(grove_ref_equal(info_of(g, (uint64_t)run).who, a));
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {EVERYWHERE(tells), EVERYWHERE(lost), EVERYWHERE(bounded), EVERYWHERE(by_actors)};
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
