// Whose an output is: what its note says, and what the file itself does.
#include "job_world.h"
#include <zlib.h>

// Bytes and checksum of a file.
static size_t measure(const char *path, uint32_t *checksum)
{
  static char bytes[1 << 20];
  size_t n = read_into(path, bytes, sizeof bytes);
  assert_true(n > 0 && n < sizeof bytes);
  *checksum = (uint32_t)crc32(0, (const unsigned char *)bytes, (uInt)n);
  return n;
}

static void copy_file(const char *from, const char *to)
{
  char command[300];
  (void)snprintf(command, sizeof command, "cp %s %s", from, to);
  assert_int_equal(system(command), 0);
}

static grove_status fail_third(void *user, const grove_matrix *x, double *out)
{
  return x->rows && x->column[1][0] == 3 ? GROVE_EUSER : add(user, x, out);
}

static grove_status resume(struct world *w, const char *out, grove_job_progress *end)
{
  grove_job_options o = job_of(w);
  o.out = out;
  o.resume = 1;
  return run(w, &o, end);
}

static grove_status rule_into(struct world *w, const char *rule, const char *out, const char *notes, bool force, grove_job_progress *end)
{
  grove_job_options o = job_of(w);
  o.score = NULL;
  o.score_columns = NULL;
  o.rule = rule;
  o.out = out;
  o.notes = notes;
  o.force = force;
  o.resume = !force;
  return run(w, &o, end);
}

// ---- notes of what was only begun -----------------------------------------------------------------

// It says nothing of its place, so what somebody puts there later is his.
static void a_shard_that_failed_leaves_no_note(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  grove_job_progress end;
  for (uint32_t retries = 0; retries < 2; retries++) {
    grove_job_options o = job_of(w);
    o.out = out;
    o.score = fail_third;
    o.retries = retries;
    o.force = 1;
    check_ok(run(w, &o, &end));
    assert_int_equal(end.failed, 1);
    check_file(in_folder(w, "out/.in3.parquet.done"), false);
  }
  put_file(in_folder(w, "out/in3.parquet"), "mine");
  check_ok(resume(w, out, &end));
  assert_int_equal(end.failed, 1);
  check_status(w->results[3].status, GROVE_EEXIST);
  check_contains(w->results[3].text, "/out/in3.parquet\" is there already, and no note says that a job made it of this shard: force");
  assert_true(says(in_folder(w, "out/in3.parquet"), "mine"));
  free(out);
}

static void put_void(struct world *w, const char *was)
{
  char note[300];
  uint32_t checksum;
  size_t n = measure(in_folder(w, "whole/in3.parquet"), &checksum);
  (void)snprintf(note, sizeof note, "grove predictions 2\nshard %s\nvoid\n%swritten %zu\nchecksum %08x\nend\n", w->shards[3], was, n,
      checksum);
  put_file(in_folder(w, "out/.in3.parquet.done"), note);
}

// Killed between its output and the note, before or after: what is there is known for a job's by the bytes that the void note says.
static void what_a_killed_job_wrote_is_its_own(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *whole = make_folder(w, "whole");
  grove_job_progress end;
  char was[60];
  uint32_t checksum;
  grove_job_options o = job_of(w);
  o.out = whole;
  check_ok(run(w, &o, NULL));
  copy_file(in_folder(w, "whole/in3.parquet"), in_folder(w, "out/in3.parquet"));
  put_void(w, "");
  check_ok(resume(w, out, &end));
  assert_int_equal(end.resumed + end.failed, 0);
  check_same(whole, out);
  copy_file(in_folder(w, "whole/in4.parquet"), in_folder(w, "out/in3.parquet"));
  size_t n = measure(in_folder(w, "whole/in4.parquet"), &checksum);
  (void)snprintf(was, sizeof was, "was 7 00000000\nwas %zu %08x\n", n, checksum); // what stood there before
  put_void(w, was);
  check_ok(resume(w, out, &end));
  assert_int_equal(end.resumed, SHARDS - 1);
  assert_int_equal(end.failed, 0);
  check_same(whole, out);
  put_void(w, was);
  assert_int_equal(unlink(in_folder(w, "out/in3.parquet")), 0); // nothing
  check_ok(resume(w, out, &end));
  assert_int_equal(end.failed, 0);
  check_same(whole, out);
  put_void(w, was);
  put_file(in_folder(w, "out/in3.parquet"), "mine"); // and somebody's
  check_ok(resume(w, out, &end));
  assert_int_equal(end.failed, 1);
  check_contains(w->results[3].text, "is there already, and is neither what its note says that a job wrote nor a beginning");
  assert_true(says(in_folder(w, "out/in3.parquet"), "mine"));
  free(out);
  free(whole);
}

// A whole note speaks for what was written, not for what somebody put in its place.
static void what_replaced_an_output_stays(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *whole = make_folder(w, "whole");
  grove_job_progress end;
  grove_job_options o = job_of(w);
  o.out = whole;
  check_ok(run(w, &o, NULL));
  check_ok(resume(w, out, &end));
  put_file(in_folder(w, "out/in3.parquet"), "mine");
  check_ok(resume(w, out, &end));
  assert_int_equal(end.failed, 1);
  assert_int_equal(end.resumed, SHARDS - 1);
  check_status(w->results[3].status, GROVE_EEXIST);
  assert_true(says(in_folder(w, "out/in3.parquet"), "mine"));
  o = job_of(w);
  o.out = out;
  o.resume = o.force = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 0);
  check_same(whole, out);
  put_file(in_folder(w, "out/.in3.parquet.done"), ""); // as a power cut leaves a note: what stands there is held against what is made
  check_ok(resume(w, out, &end));
  assert_int_equal(end.failed, 0);
  check_same(whole, out);
  put_file(in_folder(w, "out/.in3.parquet.done"), "");
  put_file(in_folder(w, "out/in3.parquet"), "mine");
  check_ok(resume(w, out, &end));
  assert_int_equal(end.failed, 1);
  assert_true(says(in_folder(w, "out/in3.parquet"), "mine"));
  put_file(in_folder(w, "out/.in3.parquet.done"), "");
  assert_int_equal(unlink(in_folder(w, "out/in3.parquet")), 0);
  check_ok(resume(w, out, &end));
  assert_int_equal(end.failed, 0);
  check_same(whole, out);
  free(out);
  free(whole);
}

// ---- what was cut ---------------------------------------------------------------------------------

static grove_status resume_form(struct world *w, const char *out, const char *notes, uint32_t form, grove_job_progress *end)
{
  grove_job_options o = job_of(w);
  o.out = out;
  o.notes = notes;
  o.form = form;
  o.resume = 1;
  return run(w, &o, end);
}

// A beginning of what the job writes anew: nothing of it is lost, so nobody is asked.
static void an_output_that_was_cut_is_made_again(void **state)
{
  struct world *w = *state;
  for (uint32_t form = 0; form < 4; form++) {
    static const char *const names[] = {"out0", "out1", "out2", "out3"};
    char *out = make_folder(w, names[form]), cut[120], command[300], *notes = NULL;
    grove_job_progress end;
    uint32_t checksum;
    if (form & 2) { // notes elsewhere
      notes = make_folder(w, form & 1 ? "notes3" : "notes2");
    }
    check_ok(resume_form(w, out, notes, form & 1, &end));
    assert_int_equal(end.failed, 0);
    (void)snprintf(command, sizeof command, "cp -r %s %s.whole", out, out);
    assert_int_equal(system(command), 0);
    (void)snprintf(cut, sizeof cut, "%s/in3.%s", out, form & 1 ? "csv" : "parquet");
    off_t n = (off_t)measure(cut, &checksum);
    const off_t to[] = {0, 1, n / 2, n - 1};
    for (size_t i = 0; i < 4; i++) {
      assert_int_equal(truncate(cut, to[i]), 0);
      check_ok(resume_form(w, out, notes, form & 1, &end));
      assert_int_equal(end.failed, 0);
      assert_int_equal(end.resumed, SHARDS - 1);
      (void)snprintf(command, sizeof command, "diff -r %s %s.whole", out, out);
      assert_int_equal(system(command), 0);
    }
    free(notes);
    free(out);
  }
}

// What is as short, but no beginning of it, is somebody's, or was made by another model: nothing else says that it is ours.
static void what_is_no_beginning_stays(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *whole = make_folder(w, "whole");
  grove_job_progress end;
  uint32_t checksum, is;
  check_ok(resume(w, whole, &end));
  check_ok(resume(w, out, &end));
  off_t n = (off_t)measure(in_folder(w, "out/in3.parquet"), &checksum);
  assert_int_equal(truncate(in_folder(w, "out/in3.parquet"), n / 2), 0);
  size_t half = measure(in_folder(w, "out/in3.parquet"), &checksum);
  check_ok(rule_into(w, "a >= 0", out, NULL, false, &end));
  assert_int_equal(end.failed, 1);
  assert_int_equal(end.resumed, 0);
  check_status(w->results[3].status, GROVE_EEXIST);
  check_contains(w->results[3].text, "/out/in3.parquet\" is there already, and is neither what its note says that a job wrote nor a "
                                     "beginning of what is to be written: force to write over it");
  assert_int_equal(measure(in_folder(w, "out/in3.parquet"), &is), half);
  assert_int_equal(is, checksum);
  check_ok(resume(w, out, &end)); // the note still speaks for it
  assert_int_equal(end.failed, 0);
  check_same(whole, out);
  FILE *f = fopen(in_folder(w, "out/in3.parquet"), "ab"); // longer than any of ours: not scored in vain
  assert_non_null(f);
  fputs("and mine", f);
  assert_int_equal(fclose(f), 0);
  check_ok(resume(w, out, &end));
  check_contains(w->results[3].text, "is there already, and is not what its note says that a job wrote: force");
  free(out);
  free(whole);
}

// ---- two folders of notes -------------------------------------------------------------------------

// Of one folder of outputs: neither knows what the other wrote, but for the bytes. Both write as many.
static void two_folders_of_notes_meet(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *first = make_folder(w, "first"), *second = make_folder(w, "second");
  grove_job_progress end;
  struct stat a, b;
  check_ok(rule_into(w, "a >= 0", out, first, true, &end));
  assert_int_equal(stat(in_folder(w, "out/in3.parquet"), &a), 0);
  check_ok(rule_into(w, "a >= 0", out, first, false, &end));
  assert_int_equal(end.resumed, SHARDS);
  check_ok(rule_into(w, "a < 0", out, second, true, &end));
  assert_int_equal(stat(in_folder(w, "out/in3.parquet"), &b), 0);
  assert_int_equal(a.st_size, b.st_size);
  check_ok(rule_into(w, "a >= 0", out, first, false, &end));
  assert_int_equal(end.resumed, 1); // without rows both are the same
  assert_int_equal(end.failed, SHARDS - 1);
  check_contains(w->results[3].text, "is not what its note says that a job wrote");
  check_ok(rule_into(w, "a < 0", out, second, false, &end));
  assert_int_equal(end.resumed, SHARDS);
  free(out);
  free(first);
  free(second);
}

// A note beside the outputs is made void by who keeps his elsewhere.
static void notes_beside_outputs_are_silenced(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *notes = make_folder(w, "notes"), text[400] = "";
  grove_job_progress end;
  check_ok(rule_into(w, "a >= 0", out, NULL, true, &end));
  put_file(in_folder(w, "out/.in1.parquet.done"), "my own list");
  check_ok(rule_into(w, "a < 0", out, notes, true, &end));
  assert_true(says(in_folder(w, "out/.in1.parquet.done"), "my own list"));
  (void)read_into(in_folder(w, "out/.in3.parquet.done"), text, sizeof text - 1);
  check_contains(text, "\nvoid\n");
  assert_null(strstr(text, "written"));
  check_ok(rule_into(w, "a >= 0", out, NULL, false, &end));
  assert_int_equal(end.resumed, 0);
  assert_int_equal(end.failed, SHARDS);
  check_contains(w->results[3].text, "no note says that a job made it of this shard");
  free(out);
  free(notes);
}

// So is a file that is no note where no output is written.
static void counts_alone_write_over_no_list_of_mine(void **state)
{
  struct world *w = *state;
  char *notes = make_folder(w, "notes");
  grove_job_progress end;
  put_file(in_folder(w, "notes/.in2.parquet.done"), "my own list");
  for (uint32_t force = 0; force < 2; force++) {
    grove_job_options o = job_of(w);
    o.notes = notes;
    o.force = force;
    check_ok(run(w, &o, &end));
    assert_int_equal(end.failed, !force);
    assert_int_equal(says(in_folder(w, "notes/.in2.parquet.done"), "my own list"), !force);
  }
  free(notes);
}

// Nor does it take the note away that an output's resume goes by, whether that output is beside it or elsewhere.
static void counts_alone_write_over_no_note_of_an_output(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out"), *notes = make_folder(w, "notes");
  grove_job_progress end;
  for (uint32_t apart = 0; apart < 2; apart++) {
    const char *folder = apart ? notes : out;
    check_ok(resume_form(w, out, folder, GROVE_JOB_PARQUET, &end));
    for (uint32_t resume = 0; resume < 2; resume++) {
      grove_job_options o = job_of(w);
      o.notes = folder;
      o.resume = resume;
      check_ok(run(w, &o, &end));
      assert_int_equal(end.failed, SHARDS);
      check_contains(w->results[3].text, ".in3.parquet.done\" is there already, and is the note of an output, which this job doesn't write");
    }
    check_ok(resume_form(w, out, folder, GROVE_JOB_PARQUET, &end));
    assert_int_equal(end.resumed, SHARDS);
    grove_job_options o = job_of(w);
    o.notes = folder;
    o.force = 1;
    check_ok(run(w, &o, &end));
    assert_int_equal(end.failed, 0);
    char command[200];
    (void)snprintf(command, sizeof command, "rm %s/*", out);
    assert_int_equal(system(command), 0);
  }
  free(out);
  free(notes);
}

// An empty name, with the output's behind a slash, would be the root.
static void an_empty_name_is_no_folder(void **state)
{
  struct world *w = *state;
  for (uint32_t notes = 0; notes < 2; notes++) {
    grove_job_options o = job_of(w);
    grove_error err = {0};
    o.out = notes ? NULL : "";
    o.notes = notes ? "" : NULL;
    check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, NULL, &err), GROVE_EINVAL);
    check_contains(err.text, notes ? "(notes) has an empty name" : "(out) has an empty name");
  }
}

// ---- what comes meanwhile -------------------------------------------------------------------------

static struct world *meanwhile;

static grove_status add_and_put(void *user, const grove_matrix *x, double *out)
{
  if (x->rows && x->column[1][0] == 3) {
    char path[120]; // on a member's thread
    snprintf(path, sizeof path, "%s/out/in3.parquet", meanwhile->folder);
    put_file(path, "mine");
  }
  return add(user, x, out);
}

// While a shard is scored somebody puts a file in its output's place.
static void what_comes_meanwhile_stays(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  grove_job_progress end;
  meanwhile = w;
  for (uint32_t resume = 0; resume < 2; resume++) {
    (void)unlink(in_folder(w, "out/in3.parquet"));
    grove_job_options o = job_of(w);
    o.out = out;
    o.score = add_and_put;
    o.resume = resume;
    check_ok(run(w, &o, &end));
    assert_int_equal(end.failed, 1);
    check_status(w->results[3].status, GROVE_EEXIST);
    check_contains(w->results[3].text, "something came to the place of its output meanwhile, and stays: force to write over it");
    assert_true(says(in_folder(w, "out/in3.parquet"), "mine"));
  }
  check_ok(resume(w, out, &end)); // it is no job's for that
  assert_int_equal(end.failed, 1);
  assert_true(says(in_folder(w, "out/in3.parquet"), "mine"));
  (void)unlink(in_folder(w, "out/in3.parquet"));
  grove_job_options o = job_of(w);
  o.out = out;
  o.score = add_and_put;
  o.resume = o.force = 1;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 0);
  assert_false(says(in_folder(w, "out/in3.parquet"), "mine"));
  free(out);
}

static grove_status add_and_list(void *user, const grove_matrix *x, double *out)
{
  char path[120];
  snprintf(path, sizeof path, "%s/out/manifest.json", meanwhile->folder);
  put_file(path, "[\"mine\"]");
  return add(user, x, out);
}

// So does what comes to the manifest's.
static void a_manifest_that_comes_meanwhile_stays(void **state)
{
  struct world *w = *state;
  char *out = make_folder(w, "out");
  grove_error err = {0};
  grove_job_progress end;
  meanwhile = w;
  for (uint32_t force = 0; force < 2; force++) {
    grove_job_options o = job_of(w);
    o.out = out;
    o.score = add_and_list;
    o.members = 1;
    o.force = force;
    check_status(grove_job_run(w->g, grove_borrow(NULL, 0), &o, &end, &err), force ? GROVE_OK : GROVE_EEXIST);
    assert_int_equal(end.failed, 0);
    check_contains(err.text, "out/manifest.json\" is there already, and is no manifest of a job");
    assert_int_equal(says(in_folder(w, "out/manifest.json"), "[\"mine\"]"), !force);
  }
  free(out);
}

// A store whose answer to a commit is lost, and that finds the object there when it is asked again.
static grove_status close_lossy(void *user, int commit, grove_error *err)
{
  grove_status s = grove_writer_close(user, commit, err);
  return commit && !s ? GROVE_EEXIST : s;
}

static grove_status open_lossy(const char *url, bool fresh, grove_sink *out, grove_error *err)
{
  grove_writer *to = NULL;
  grove_status s = grove_store_write(meanwhile->store, url + strlen("lossy://"), &to, err);
  *out = (grove_sink){(uint32_t)sizeof *out, to, put_on, fresh ? close_lossy : close_on};
  return s;
}

static grove_status write_lossy(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  (void)opened;
  return open_lossy(url, false, out, err);
}

static grove_status write_new_lossy(void *opened, const char *url, grove_sink *out, grove_error *err)
{
  (void)opened;
  return open_lossy(url, true, out, err);
}

static grove_status source_lossy(void *opened, const char *url, grove_source *out, grove_error *err)
{
  (void)opened;
  return grove_store_source(meanwhile->store, url + strlen("lossy://"), out, err);
}

static const grove_store_scheme lossy_scheme = {.struct_size = sizeof lossy_scheme,
    .names = "lossy",
    .source = source_lossy,
    .write = write_lossy,
    .write_new = write_new_lossy};

static void its_own_commit_is_no_others(void **state)
{
  struct world *w = *state;
  static const grove_store_scheme *const schemes[] = {&lossy_scheme, NULL};
  char *out = make_folder(w, "out"), *whole = make_folder(w, "whole");
  char url[100];
  grove_job_progress end;
  (void)snprintf(url, sizeof url, "lossy://%s", out);
  meanwhile = w;
  check_ok(grove_store_open(
      &(grove_store_options){.struct_size = sizeof(grove_store_options), .schemes = schemes}, &w->store, NULL));
  grove_job_options o = job_of(w);
  o.out = whole;
  check_ok(run(w, &o, NULL));
  o = job_of(w);
  o.store = w->store;
  o.out = url;
  check_ok(run(w, &o, &end));
  assert_int_equal(end.failed, 0);
  check_same(whole, out);
  free(out);
  free(whole);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_shard_that_failed_leaves_no_note, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_a_killed_job_wrote_is_its_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_replaced_an_output_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_output_that_was_cut_is_made_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_no_beginning_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(two_folders_of_notes_meet, set_up, tear_down),
      cmocka_unit_test_setup_teardown(notes_beside_outputs_are_silenced, set_up, tear_down),
      cmocka_unit_test_setup_teardown(counts_alone_write_over_no_list_of_mine, set_up, tear_down),
      cmocka_unit_test_setup_teardown(counts_alone_write_over_no_note_of_an_output, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_empty_name_is_no_folder, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_comes_meanwhile_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_manifest_that_comes_meanwhile_stays, set_up, tear_down),
      cmocka_unit_test_setup_teardown(its_own_commit_is_no_others, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
