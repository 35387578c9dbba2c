// The JSON documents, read by jansson, against the structs that they come from.
#include "actors.h"
#include "json_at.h"
#include "written.h"

static json_t *document(grove *g, const grove_stats_json_options *o)
{
  written *t = written_new();
  check_ok(grove_stats_json(g, o, written_put, t));
  assert_int_equal(t->bytes[t->used - 1], '\n');
  json_error_t e;
  json_t *d = json_loadb(t->bytes, t->used, JSON_REJECT_DUPLICATES, &e);
  if (!d) {
    print_error("%s at %d in %s\n", e.text, e.position, t->bytes);
    fail();
  }
  free(t);
  assert_int_equal(json_integer_value(json_object_get(d, "schema")), GROVE_JSON_SCHEMA);
  return d;
}

static long long number_at(json_t *d, const char *path)
{
  assert_true(json_is_integer(json_at(d, path)));
  return json_integer_value(json_at(d, path));
}
static const char *text_at(json_t *d, const char *path)
{
  assert_true(json_is_string(json_at(d, path)));
  return json_string_value(json_at(d, path));
}

static void tells_all(void **state)
{
  grove *g = ((rig *)*state)->g;
  long reply;
  grove_ref a = spawn_plan(g, (hand_plan){NULL, NULL, NULL, NULL},
      &(grove_spawn_options){GROVE_SPAWN, .name = "anna", .label = "first"});
  for (int i = 0; i < 3; i++) {
    check_ok(ask_and_get(g, a, job_echo, NULL, &reply, NULL));
  }
  grove_ref b = spawn_hand(g);
  check_status(ask_and_get(g, b, job_crash, "it \"burns\"", &reply, NULL), GROVE_EDEAD);
  check_ok(grove_get(g, grove_monitor(g, b), 20000, NULL, 0, NULL));
  grove_info info = {.struct_size = sizeof info};
  for (int i = 0; i < 10000 && info.phase != GROVE_PHASE_IDLE; i++) { // its answer comes a little before its end
    check_ok(grove_sleep(g, 1));
    check_ok(grove_inspect(g, a, &info));
  }
  grove_snapshot_options which = {GROVE_SNAPSHOT, .ended = 1};
  json_t *d = document(g, &(grove_stats_json_options){GROVE_STATS_JSON, .actors = &which});
  assert_int_equal(number_at(d, "runtime.handled"), 3);
  assert_int_equal(number_at(d, "runtime.failed"), 1);
  assert_int_equal(number_at(d, "runtime.actors"), 1);
  assert_true(number_at(d, "runtime.memory_bytes") >= number_at(d, "runtime.memory_of.actors"));
  assert_string_equal(text_at(d, "classes.0.class"), "hand");
  assert_int_equal(number_at(d, "classes.0.sent"), 4);
  assert_int_equal(number_at(d, "actors.total"), 2);
  assert_int_equal(number_at(d, "actors.live"), 1);
  assert_int_equal(number_at(d, "actors.dead"), 1);
  assert_int_equal(json_array_size(json_at(d, "actors.rows")), 2);
  assert_string_equal(text_at(d, "actors.rows.0.name"), "anna");
  assert_string_equal(text_at(d, "actors.rows.0.label"), "first");
  assert_string_equal(text_at(d, "actors.rows.0.phase"), "idle");
  assert_true(json_is_null(json_at(d, "actors.rows.0.progress")));
  assert_int_equal(number_at(d, "actors.rows.0.handled"), 3);
  assert_string_equal(text_at(d, "actors.rows.1.phase"), "ended");
  assert_int_equal(number_at(d, "deaths.total"), 1);
  check_contains(text_at(d, "deaths.rows.0.text"), "it \"burns\"");
  assert_true(number_at(d, "deaths.rows.0.ago_ns") >= 0);
  assert_string_equal(text_at(d, "deaths.rows.0.id"), text_at(d, "actors.rows.1.id"));
  json_decref(d);
}

static void parts_and_pages(void **state)
{
  grove *g = ((rig *)*state)->g;
  for (int i = 0; i < 5; i++) {
    check_ok(grove_get(g, grove_ready(g, spawn_hand(g)), 20000, NULL, 0, NULL));
  }
  grove_snapshot_options which = {GROVE_SNAPSHOT, .offset = 4};
  json_t *d = document(g, &(grove_stats_json_options){GROVE_STATS_JSON, .parts = GROVE_JSON_ACTORS,
                              .rows = 2, .actors = &which});
  assert_null(json_object_get(d, "runtime"));
  assert_null(json_object_get(d, "workers"));
  assert_null(json_object_get(d, "classes"));
  assert_null(json_object_get(d, "deaths"));
  assert_int_equal(number_at(d, "actors.total"), 5);
  assert_int_equal(number_at(d, "actors.offset"), 4);
  assert_int_equal(json_array_size(json_at(d, "actors.rows")), 1);
  json_decref(d);
  d = document(g, &(grove_stats_json_options){
                      GROVE_STATS_JSON, .parts = GROVE_JSON_RUNTIME | GROVE_JSON_WORKERS});
  assert_null(json_object_get(d, "actors"));
  assert_true(json_is_array(json_at(d, "workers")));
  json_decref(d);
  written *t = written_new();
  check_status(
      grove_stats_json(g, &(grove_stats_json_options){GROVE_STATS_JSON, .rows = 1001}, written_put, t),
      GROVE_EINVAL);
  check_status(
      grove_stats_json(g, &(grove_stats_json_options){GROVE_STATS_JSON, .parts = 64}, written_put, t),
      GROVE_EINVAL);
  check_status(grove_stats_json(g, NULL, NULL, t), GROVE_EINVAL);
  check_status(grove_stats_json(NULL, NULL, written_put, t), GROVE_EINVAL);
  assert_int_equal(t->used, 0);
  free(t);
}

int main(int argc, char **argv)
{
  static const rig_test tests[] = {EVERYWHERE(tells_all), EVERYWHERE(parts_and_pages)};
  return rig_run(argc, argv, tests, sizeof tests / sizeof *tests);
}
