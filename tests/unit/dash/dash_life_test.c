// How a dashboard begins and ends: with the runtime, before it, with its parent; several; what is refused.
#include "dash_rig.h"
#include <sys/wait.h>

static bool serves(const grove_dashboard *d)
{
  int fd = http_connect(d->port, NULL);
  if (fd >= 0) {
    close(fd);
  }
  return fd >= 0;
}

static void ends_each_way(void **state)
{
  rig *r = *state;
  grove *g = r->g;
  grove_dashboard d[3], e;
  for (int i = 0; i < 3; i++) {
    d[i] = dash_start(g, (grove_dashboard_options){.history_seconds = 10});
    assert_true(serves(&d[i]));
  }
  check_ok(grove_dashboard_stop(g, d[0].ref));
  assert_false(serves(&d[0]));
  check_ok(grove_dashboard_stop(g, d[0].ref)); // that has ended
  check_ok(grove_get(g, grove_exit(g, d[1].ref, 1000), 20000, NULL, 0, NULL));
  assert_false(serves(&d[1]));
  assert_true(serves(&d[2]));
  grove *other;
  check_ok(grove_start(NULL, &other));
  e = dash_start(other, (grove_dashboard_options){.actions = 0});
  json_t *j = dash_document(e.port, "/api/1/overview");
  assert_int_equal(dash_number(j, "runtime.actors"), 1);
  json_decref(j);
  rig_stop(r); // with the third; and checks that nothing of it is left
  assert_false(serves(&d[2]));
  assert_true(serves(&e));
  check_ok(grove_stop(other, 20000, NULL));
  assert_false(serves(&e));
}

static grove_status job_dashboard(grove *self, hand_state *s, void *user, long *reply)
{
  grove_error err;
  (void)s, (void)reply;
  grove_status status = grove_dashboard_start(
      self, &(grove_dashboard_options){GROVE_DASHBOARD, .address = "127.0.0.1:0"}, user, &err);
  return status ? grove_fail_with(self, &err) : GROVE_OK;
}

static void belongs_to_who_began_it(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_dashboard d = {.struct_size = sizeof d};
  long reply;
  grove_ref a = spawn_hand(g);
  check_ok(ask_and_get(g, a, job_dashboard, &d, &reply, NULL));
  assert_true(serves(&d));
  grove_info info = {.struct_size = sizeof info};
  check_ok(grove_inspect(g, d.ref, &info));
  assert_true(grove_ref_equal(info.parent, a));
  check_ok(grove_get(g, grove_exit(g, a, 0), 20000, NULL, 0, NULL));
  assert_false(serves(&d));
}

static void refuses(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0}),
                  e = {.struct_size = sizeof e};
  grove_error err;
  char taken[40];
  snprintf(taken, sizeof taken, "127.0.0.1:%u", d.port);
  check_status(grove_dashboard_start(
                   g, &(grove_dashboard_options){GROVE_DASHBOARD, .address = taken}, &e, &err),
      GROVE_EEXIST);
  check_contains(err.text, taken);
  check_status(grove_dashboard_start(
                   g, &(grove_dashboard_options){GROVE_DASHBOARD, .address = "nowhere"}, &e, &err),
      GROVE_EINVAL);
  check_status(
      grove_dashboard_start(g,
          &(grove_dashboard_options){GROVE_DASHBOARD, .address = "127.0.0.1:0", .token = "short"},
          &e, &err),
      GROVE_EINVAL);
  check_contains(err.text, "the token has 5 bytes; 16 to 128");
  check_status(grove_dashboard_start(
                   g, &(grove_dashboard_options){GROVE_DASHBOARD, .connections = 7}, &e, &err),
      GROVE_EINVAL);
  check_status(grove_dashboard_start(g,
                   &(grove_dashboard_options){GROVE_DASHBOARD, .history_seconds = 86401}, &e, &err),
      GROVE_EINVAL);
  check_status(grove_dashboard_start(g, NULL, NULL, &err), GROVE_EINVAL);
  check_status(grove_dashboard_start(NULL, NULL, &e, &err), GROVE_EINVAL);
  assert_int_equal(e.port, 0);
}

// In a forked child the thread is not there: nobody waits for it, and the parent goes on serving.
static void survives_a_fork(void **state)
{
  grove *g = ((rig *)*state)->g;
  grove_dashboard d = dash_start(g, (grove_dashboard_options){.actions = 0});
  json_decref(dash_document(d.port, "/api/1/overview"));
  pid_t child = fork();
  if (child == 0) {
    grove_status s = grove_stop(g, 5000, NULL);
    _exit(s == GROVE_EFORKED ? 0 : 1);
  }
  int how = -1;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFEXITED(how));
  assert_int_equal(WEXITSTATUS(how), 0);
  json_decref(dash_document(d.port, "/api/1/overview"));
}

static void not_in_simulation(void **state)
{
  grove_dashboard d = {.struct_size = sizeof d};
  grove_error err;
  check_status(grove_dashboard_start(((rig *)*state)->g,
                   &(grove_dashboard_options){GROVE_DASHBOARD, .address = "127.0.0.1:0"}, &d, &err),
      GROVE_ENOTSUP);
  check_contains(err.text, "simulation");
}

// Without memory: an error each time, and nothing is kept; rig_stop looks.
static void without_memory(void **state)
{
  rig *r = *state;
  grove_status s = GROVE_ENOMEM;
  grove_stats before = {.struct_size = sizeof before};
  check_ok(grove_stats_get(r->g, &before));
  for (uint64_t heap = 0; s; heap += 16384) {
    grove_dashboard d = {.struct_size = sizeof d};
    grove_error err;
    rig_restart(r, &(grove_options){
                       GROVE_OPTIONS, .workers = 1, .heap_bytes = before.memory_bytes * 2 + heap});
    s = grove_dashboard_start(r->g,
        &(grove_dashboard_options){
            GROVE_DASHBOARD, .address = "127.0.0.1:0", .history_seconds = 100},
        &d, &err);
    if (s) {
      assert_true(s == GROVE_ENOMEM || s == GROVE_EDEAD || s == GROVE_EIO);
    } else {
      assert_true(serves(&d));
    }
    assert_true(heap < 100 << 20);
  }
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {THREADED(ends_each_way), THREADED(belongs_to_who_began_it),
      ON(WORKERS, refuses), ON(WORKERS, survives_a_fork), ON(SIM | ONE_SEED, not_in_simulation),
      ON(WORKERS, without_memory)};
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
