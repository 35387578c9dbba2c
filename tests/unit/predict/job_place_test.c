// Where a job writes: what is there already, who else writes there, and what the dead left behind.
#include "job_world.h"
#include "store/folder.h"

static void nothing_is_written_over_unasked(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *whole = make_folder(w, "whole");
  grove_job_progress end;
  grove_job_options o = job_of(w);
  o.out = whole;
  check_ok(run(w, &o, NULL));
  for (uint32_t resume = 0; resume < 2; resume++) { // what is no job's
    put_file(in_folder(w, "out/in2.parquet"), "mine");
    o = job_of(w);
    o.out = out;
    o.resume = resume;
    check_ok(run(w, &o, &end));
    assert_int_equal(end.failed, 1);
    check_status(w->results[2].status, GROVE_EEXIST);
    check_contains(
        w->results[2].text, resume ? "/out/in2.parquet\" is there already, and no note says that a "
                                     "job made it of this shard: force"
                                   : "/out/in2.parquet\" is there already: resume to leave out");
    assert_true(says(in_folder(w, "out/in2.parquet"), "mine"));
  }
  o = job_of(w); // what is, without a word of what to do with it
  o.out = out;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, SHARDS);
  check_status(w->results[1].status, GROVE_EEXIST);
  o = job_of(w);
  o.out = out;
  o.resume = o.force = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.resumed, SHARDS - 1);
  check_same(whole, out);
  o = job_of(w);
  o.out = out;
  o.force = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.resumed + end.failed, 0);
  check_same(whole, out);
  free(out);
  free(whole);
}

// A second attempt is no leave to write over what refused the first.
static void a_retry_writes_over_nothing(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  grove_job_progress end;
  grove_job_options o = job_of(w);
  o.out = out;
  check_ok(run(w, &o, NULL)); // with notes
  put_file(in_folder(w, "out/in2.parquet"), "mine");
  o = job_of(w);
  o.out = out;
  o.retries = 2;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, SHARDS);
  check_status(w->results[2].status, GROVE_EEXIST);
  assert_true(says(in_folder(w, "out/in2.parquet"), "mine"));
  free(out);
}

// A shard of the same name in another folder has the same place: what was made of the first stays, whatever the second is told
// to resume.
static void a_shard_of_the_same_name_is_another(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *other = make_folder(w, "other");
  grove_job_progress end;
  grove_job_options o = job_of(w);
  o.out = out;
  check_ok(run(w, &o, NULL));
  char command[300], path[120];
  (void)snprintf(path, sizeof path, "%s/in2.parquet", other);
  (void)snprintf(command, sizeof command, "cp %s %s", w->shards[3], path); // other rows
  assert_int_equal(system(command), 0);
  const char *shard = path;
  o = job_of(w);
  o.shards = &shard;
  o.n_shards = 1;
  o.out = out;
  o.resume = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 1);
  check_status(w->results[0].status, GROVE_EEXIST);
  o = job_of(w); // nor is what its own job made another's now
  o.out = out;
  o.resume = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.resumed, SHARDS);
  free(out);
  free(other);
}

// Notes of outputs in one folder are none of those of the same name in another.
static void notes_say_of_which_folder(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *second = make_folder(w, "second"),
       *notes = make_folder(w, "notes");
  grove_job_progress end;
  grove_job_options o = job_of(w);
  o.out = out;
  o.notes = notes;
  check_ok(run(w, &o, NULL));
  put_file(in_folder(w, "second/in2.parquet"), "mine");
  o = job_of(w);
  o.out = second;
  o.notes = notes;
  o.resume = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 1);
  check_status(w->results[2].status, GROVE_EEXIST);
  assert_true(says(in_folder(w, "second/in2.parquet"), "mine"));
  free(out);
  free(second);
  free(notes);
}

static void what_is_no_note_stays(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  grove_job_progress end;
  put_file(in_folder(w, "out/.in2.parquet.done"), "my own list");
  grove_job_options o = job_of(w);
  o.out = out;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 1);
  check_contains(w->results[2].text, "is no note of a job");
  assert_true(says(in_folder(w, "out/.in2.parquet.done"), "my own list"));
  free(out);
}

static void a_manifest_of_others_stays(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  grove_error err = {0};
  grove_job_progress end;
  put_file(in_folder(w, "out/manifest.json"), "[\"mine\"]");
  grove_job_options o = job_of(w);
  o.out = out;
  check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), GROVE_EEXIST);
  check_contains(err.text, "out/manifest.json\" is there already, and is no manifest of a job");
  assert_true(says(in_folder(w, "out/manifest.json"), "[\"mine\"]"));
  check_file(in_folder(w, "out/in1.parquet"), false);
  check_file(in_folder(w, "out/.grove-job.lock"), false);
  o = job_of(w);
  o.out = out;
  o.force = 1;
  check_ok(run(w, &o, NULL));
  assert_false(says(in_folder(w, "out/manifest.json"), "[\"mine\"]"));
  free(out);
}

static void one_job_a_folder(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *notes = make_folder(w, "notes");
  char dots[100];
  char *link = strdup(in_folder(w, "link"));
  grove_error err = {0};
  grove_job_progress end;
  int lock = -1, none = -1;
  snprintf(dots, sizeof dots, "%s/../out", out);
  assert_int_equal(symlink(out, link), 0);
  check_ok(grove__folder_lock(out, &lock, NULL));
  assert_true(lock >= 0);
  check_status(grove__folder_lock(dots, &none, NULL), GROVE_EEXIST);
  assert_int_equal(none, -1);
  const char *const ways[] = {out, link, dots};
  for (size_t i = 0; i < 3; i++) {
    for (int other = 0; other < 2; other++) { // outputs or notes
      grove_job_options o = job_of(w);
      o.out = other ? notes : ways[i];
      o.notes = other ? ways[i] : notes;
      check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), GROVE_EEXIST);
      check_contains(err.text, "another job writes to ");
      check_contains(err.text, "(it holds .grove-job.lock there)");
    }
  }
  check_file(in_folder(w, "out/in1.parquet"), false);
  check_file(in_folder(w, "notes/.grove-job.lock"), false); // the other folder was given back
  grove_job_options o = job_of(w);
  o.out = out;
  o.plan_only = 1; // which writes nothing
  check_ok(run(w, &o, NULL));
  grove__folder_unlock(out, lock);
  check_file(in_folder(w, "out/.grove-job.lock"), false);
  put_file(in_folder(w, "out/.grove-job.lock"), ""); // left by one that was killed
  o = job_of(w);
  o.out = out;
  o.notes = link; // the same folder by another name is one
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 0);
  check_file(in_folder(w, "out/.grove-job.lock"), false);
  free(out);
  free(notes);
  free(link);
}

// ---- what the dead left ---------------------------------------------------------------------------

static const char *const dead[] = {"out/.in1.parquet.0123456789abcdef.tmp",
    "out/..in2.parquet.done.00000000000000aa.tmp", "out/.manifest.json.ffffffffffffffff.tmp"};
static const char *const others[] = {"out/.in9.parquet.0123456789abcdef.tmp", // of no shard of ours
    "out/.in1.parquet.0123456789abcdeg.tmp", "out/.in1.parquet.0123456789abcde.tmp",
    "out/in1.parquet.0123456789abcdef.tmp", "out/.in1.parquet.tmp",
    "out/.in1.csv.0123456789abcdef.tmp", "out/.in1.parquet.0123456789ABCDEF.tmp", "mine"};

static size_t count_temporaries(const char *folder, const char *start)
{
  DIR *d = opendir(folder);
  size_t n = 0;
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    n += !strncmp(e->d_name, start, strlen(start));
  }
  closedir(d);
  return n;
}

static void the_dead_are_swept_up(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  grove_writer *living = NULL;
  check_ok(grove_store_open(NULL, &w->store, NULL));
  for (uint32_t resume = 0; resume < 2; resume++) {
    for (size_t i = 0; i < sizeof dead / sizeof *dead; i++) {
      put_file(in_folder(w, dead[i]), "half");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
      put_file(in_folder(w, others[i]), "whole");
    }
    if (!resume) {
      assert_int_equal(
          symlink("../mine", in_folder(w, "out/.in4.parquet.0123456789abcdef.tmp")), 0);
      assert_int_equal(mkdir(in_folder(w, "out/.in4.parquet.0123456789abcdee.tmp"), 0777), 0);
      check_ok(grove_store_write(w->store, in_folder(w, "out/in3.parquet"), &living, NULL));
      check_ok(grove_writer_put(living, "x", 1, NULL));
    }
    grove_job_options o = job_of(w);
    o.out = out;
    o.resume = resume;
    check_ok(run(w, &o, NULL));
    for (size_t i = 0; i < sizeof dead / sizeof *dead; i++) {
      check_file(in_folder(w, dead[i]), false);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
      assert_true(says(in_folder(w, others[i]), "whole"));
    }
    assert_int_equal(count_temporaries(out, ".in3.parquet."), 2); // the living one's, and the note
    assert_int_equal(count_temporaries(out, ".in4.parquet.01"), 2);
  }
  check_ok(grove_writer_close(living, 1, NULL)); // and it can still say what it has
  assert_true(says(in_folder(w, "out/in3.parquet"), "x"));
  free(out);
}

// ---- stores without locks -------------------------------------------------------------------------

static struct world *far;
static atomic_int swept, scored_last;
static const char *unreadable; // what has this in its url; NULL: nothing

static grove_status write_far(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  grove_writer *to = NULL;
  (void)opened;
  grove_status s = grove_store_write(far->store, strstr(url, "://") + 3, &to, err);
  *out = (grove_sink){(uint32_t)sizeof *out, to, put_on, close_on};
  return s;
}

static grove_status source_far(void *opened, const char *url, grove_source *out, grove_error *err)
{
  (void)opened;
  if (unreadable && strstr(url, unreadable)) {
    if (err) {
      err->status = GROVE_EIO;
      (void)snprintf(err->text, sizeof err->text, "HTTP 403 Forbidden");
    }
    return GROVE_EIO;
  }
  return grove_store_source(far->store, strstr(url, "://") + 3, out, err);
}

static void sweep_far(void *opened, const char *url)
{
  (void)opened;
  int how = strstr(url, "/in") ? 1 : 1000;
  atomic_fetch_add(&swept, how);
}

static const grove_store_scheme far_scheme = {.struct_size = sizeof far_scheme,
    .names = "far s3",
    .source = source_far,
    .write = write_far,
    .sweep = sweep_far};

// Another job begins when the first of ours is done: its name is there instead of ours.
static void begin_another(void *user, size_t i, const grove_job_result *r)
{
  take_result(user, i, r);
  put_file(in_folder(user, "out/.grove-job"), "another");
}

static void open_far(struct world *w, const char *out, char url[100])
{
  static const grove_store_scheme *const schemes[] = {&far_scheme, NULL};
  (void)snprintf(url, 100, "far://%s", out);
  far = w;
  unreadable = NULL;
  atomic_store(&swept, 0);
  atomic_store(&scored_last, 0);
  check_ok(grove_store_open(
      &(grove_store_options){.struct_size = sizeof(grove_store_options), .schemes = schemes},
      &w->store, NULL));
}

static grove_status add_and_count(void *user, const grove_matrix *x, double *out)
{
  if (x->rows && x->column[1][0] == SHARDS - 1) {
    atomic_fetch_add(&scored_last, 1);
  }
  return add(user, x, out);
}

static void of_two_the_later_goes_on(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  char url[100];
  grove_job_progress end;
  grove_error err = {0};
  open_far(w, out, url);
  grove_job_options o = job_of(w);
  o.store = w->store;
  o.out = url;
  o.members = 1;
  o.resume = 1;
  o.retries = 3;
  o.score = add_and_count;
  o.result = begin_another;
  check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), GROVE_EEXIST);
  check_contains(err.text, "another job began to write to \"far:///tmp/");
  check_contains(err.text, "which leaves it alone and ends: wait for its end, or write to another folder");
  check_file(in_folder(w, "out/manifest.json"), false); // which is the other's to write
  check_status(w->results[SHARDS - 1].status, GROVE_ECANCELED); // it ends: nothing is scored in vain
  assert_int_equal(atomic_load(&scored_last), 0);
  check_file(in_folder(w, "out/in4.parquet"), false);
  assert_true(atomic_load(&swept) <= 2); // of those that were begun before
  atomic_store(&swept, 0);
  o = job_of(w);
  o.store = w->store;
  o.out = url;
  o.resume = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 0);
  assert_true(end.resumed >= 1);
  assert_int_equal(
      atomic_load(&swept), (int)(SHARDS - end.resumed)); // each that was not done, and nothing else
  free(out);
}

// A mark, or a manifest, that can't be read is not taken for our own.
static void what_cant_be_read_is_not_ours(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  char url[100];
  grove_job_progress end;
  grove_error err = {0};
  open_far(w, out, url);
  grove_job_options o = job_of(w);
  o.store = w->store;
  o.out = url;
  unreadable = "/manifest.json";
  check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), GROVE_EIO);
  assert_int_equal(end.failed, SHARDS);
  check_contains(w->results[2].text,
      "/out/manifest.json\" can't be read, and may be somebody's: it wants the right to, another folder, or force to write over it "
      "(HTTP 403 Forbidden)");
  check_file(in_folder(w, "out/.grove-job"), false);
  char s3[100];
  (void)snprintf(s3, sizeof s3, "s3://%s", out); // which forbids what is not there to who may not list
  o = job_of(w);
  o.store = w->store;
  o.out = s3;
  check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), GROVE_EIO);
  check_contains(err.text, "it wants the right to (and to list the bucket: else what is not there is forbidden), another folder");
  unreadable = "/.grove-job";
  o = job_of(w);
  o.store = w->store;
  o.out = url;
  o.force = 1;
  check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), GROVE_EIO);
  assert_int_equal(end.failed, SHARDS);
  check_contains(w->results[2].text, "can't be told, for .grove-job there can't be read: it wants the right to (HTTP 403 Forbidden)");
  check_file(in_folder(w, "out/in2.parquet"), false);
  static const char *const what[] = {"/.in2.parquet.done", "/in2.parquet"};
  for (size_t i = 0; i < 2; i++) {
    char words[200];
    unreadable = what[i];
    o = job_of(w);
    o.store = w->store;
    o.out = url;
    o.resume = 1;
    check_ok(run(w, &o, &end));
    assert_int_equal(end.failed, 1);
    check_status(w->results[2].status, GROVE_EIO);
    (void)snprintf(words, sizeof words, "out%s\" can't be read, and may be somebody's%s: it wants the right to, another folder, or force",
        what[i], i ? "" : " note");
    check_contains(w->results[2].text, words);
    check_contains(w->results[2].text, "(HTTP 403 Forbidden)");
    check_file(in_folder(w, "out/in2.parquet"), false);
  }
  free(out);
}

static void take_away(void *user, size_t i, const grove_job_result *r)
{
  struct world *w = user;
  take_result(user, i, r);
  (void)unlink(in_folder(w, "out/.grove-job"));
  (void)unlink(in_folder(w, "out/.grove-job.lock"));
}

// Who takes a lock or a mark away lets another job in.
static void a_place_that_was_taken_away_is_lost(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  char url[100];
  grove_job_progress end;
  open_far(w, out, url);
  for (int is_far = 0; is_far < 2; is_far++) {
    grove_error err = {0};
    grove_job_options o = job_of(w);
    o.store = w->store;
    o.out = is_far ? url : out;
    o.members = 1;
    o.force = 1;
    o.result = take_away;
    check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), GROVE_EEXIST);
    check_contains(err.text, is_far ? "(.grove-job) was taken away, so another may write there: it ends"
                                    : "(.grove-job.lock) was taken away, so another may write there: it ends");
    check_status(w->results[SHARDS - 1].status, GROVE_ECANCELED);
    check_file(in_folder(w, "out/manifest.json"), false);
  }
  free(out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_is_written_over_unasked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_retry_writes_over_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_shard_of_the_same_name_is_another, set_up, tear_down),
      cmocka_unit_test_setup_teardown(notes_say_of_which_folder, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_no_note_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_manifest_of_others_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(one_job_a_folder, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_dead_are_swept_up, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_two_the_later_goes_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_cant_be_read_is_not_ours, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_place_that_was_taken_away_is_lost, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
