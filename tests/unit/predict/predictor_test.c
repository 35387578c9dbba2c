#include "check.h"
#include <grove/predict.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
  grove *g;
  char folder[32];
};

static int set_up(void **state)
{
  struct world *w = calloc(1, sizeof *w);
  check_ok(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 2}, &w->g));
  strcpy(w->folder, "/tmp/grove_predict_XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  *state = w;
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  char command[64];
  check_ok(grove_stop(w->g, 5000, NULL));
  snprintf(command, sizeof command, "rm -r %s", w->folder);
  assert_int_equal(system(command), 0);
  free(w);
  return 0;
}

// Writes a file into the test's folder; the path is good until the next call but seven.
static const char *put_file(struct world *w, const char *name, const char *text)
{
  static char path[8][80];
  static unsigned turn;
  char *p = path[turn++ % 8];
  snprintf(p, sizeof *path, "%s/%s", w->folder, name);
  FILE *f = fopen(p, "wb");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
  return p;
}

static grove_status predict(
    struct world *w, grove_pool *p, const char *path, grove_shard_score *score, grove_error *err)
{
  uint64_t tag = 0;
  check_ok(grove_predictor_predict_submit(w->g, p, grove_string_of(path), 5));
  grove_status s = grove_predictor_predict_get_next(w->g, p, 60000, &tag, score, err);
  assert_int_equal(tag, 5);
  assert_false(grove_pool_has_next(p));
  return s;
}

static grove_pool *spawn_rule(struct world *w, const char *rule)
{
  return grove_predictor_spawn(w->g, grove_borrow(NULL, 0),
      &(grove_predictor_options){
          GROVE_PREDICTOR, .rule = rule, .pool = &(grove_pool_options){GROVE_POOL, .members = 2}});
}

static void check_score(
    struct world *w, const char *rule, const char *path, uint64_t rows, double score)
{
  grove_shard_score s;
  grove_error err = {0};
  grove_pool *p = spawn_rule(w, rule);
  grove_status status = predict(w, p, path, &s, &err);
  if (status || s.rows != rows || s.score != score) {
    fail_msg("%s on %s: %d %s; %llu rows, score %g; should be %llu and %g", rule, path, status,
        err.text, (unsigned long long)s.rows, s.score, (unsigned long long)rows, score);
  }
  assert_true(s.bytes > 0);
  grove_pool_destroy(p);
}

static void check_failure(
    struct world *w, const char *rule, const char *path, grove_status want, const char *words)
{
  grove_shard_score s;
  grove_error err = {0};
  grove_pool *p = spawn_rule(w, rule);
  grove_status status = predict(w, p, path, &s, &err);
  if (status != want) {
    fail_msg("%s on %s: %d %s; should be %d %s", rule, path, status, err.text, want, words);
  }
  check_contains(err.text, words);
  assert_int_equal(s.rows, 0);
  grove_pool_destroy(p);
}

static void scores_tables_of_text(void **state)
{
  struct world *w = *state;
  const char *csv = put_file(w, "a.csv", "n,name,Fee\n1,x,5\n2,,6\n,y,7\n4,z,\n");
  check_score(w, "n >= 2", csv, 4, 2);
  check_score(w, "n is null", csv, 4, 1);
  check_score(w, "n is not null and Fee > 5", csv, 4, 1);
  check_score(w, "n < 100 or Fee = 7", csv, 4, 4);
  check_score(w, "fee >= 6", csv, 4, 2); // found without regard to case
  check_score(w, "name is null", csv, 4, 1);
  check_failure(w, "name > 2", csv, GROVE_ENOTSUP,
      "a.csv: column \"name\" is text, not numbers: row 1 has \"x\"");
  check_failure(w, "feee > 2", csv, GROVE_ENOENT,
      "a.csv: unknown column \"feee\"; did you mean \"Fee\"? known: n, name, Fee");
}

static void names_what_is_wrong_with_a_shard(void **state)
{
  struct world *w = *state;
  check_failure(w, "n > 1", "/nowhere/at/all.parquet", GROVE_ENOENT, "/nowhere/at/all.parquet");
  check_failure(w, "n > 1", put_file(w, "zero.parquet", ""), GROVE_ECORRUPT, "zero.parquet");
  check_failure(w, "n > 1", put_file(w, "text.parquet", "this is no Parquet file, but a text\n"),
      GROVE_ECORRUPT, "text.parquet");
  check_failure(
      w, "n > 1", put_file(w, "two.csv", "Nn,nN\n1,2\n"), GROVE_ENOENT, "unknown column \"n\"");
  check_failure(w, "nn > 1", put_file(w, "two.csv", "Nn,nN\n1,2\n"), GROVE_ENOENT,
      "2 that differ from it only in case");
  check_failure(w, "n > 1", put_file(w, "bad.csv", "n,m\n1,2\n1,2,3\n"), GROVE_ECORRUPT, "bad.csv");
}

static void a_wrong_request_ends_each_item(void **state)
{
  struct world *w = *state;
  grove_shard_score s;
  grove_error err = {0};
  const char *csv = put_file(w, "a.csv", "n\n1\n");
  check_failure(w, "n >>", csv, GROVE_EINVAL, "rule \"n >>\": expected");
  check_failure(w, NULL, csv, GROVE_EINVAL, "neither a model nor a rule");
  grove_pool *p = grove_predictor_spawn(w->g, grove_borrow("not a model at all, but a text", 30),
      &(grove_predictor_options){GROVE_PREDICTOR});
  check_status(predict(w, p, csv, &s, &err), GROVE_EINVAL);
  check_contains(err.text, "not made by grove_share_model");
  grove_pool_destroy(p);
  check_status(grove_rule_check("n >", &err), GROVE_EINVAL);
  check_status(grove_rule_check(NULL, &err), GROVE_EINVAL);
  check_ok(grove_rule_check("n > 1", &err));
}

// y = 2 x + 1 exactly, so that the linear model's sum is known.
static grove_model *fit_line(void)
{
  static const char csv[] = "x,y\n1,3\n2,5\n3,7\n4,9\n5,11\n6,13\n";
  grove_table *t = NULL;
  grove_model *m = NULL;
  grove_error err = {0};
  check_ok_err(grove_csv_parse(csv, strlen(csv), NULL, &t, &err), &err);
  check_ok_err(grove_model_create(NULL, "linear", NULL, &m, &err), &err);
  check_ok_err(grove_model_fit(m, t, NULL, &err), &err);
  grove_table_release(t);
  return m;
}

static void a_model_is_shared_by_the_members(void **state)
{
  struct world *w = *state;
  grove_shared model;
  grove_error err = {0};
  grove_shard_score s;
  check_ok(grove_share_model(w->g, fit_line(), &model));
  grove_pool *p = grove_predictor_spawn(w->g, model,
      &(grove_predictor_options){
          GROVE_PREDICTOR, .pool = &(grove_pool_options){GROVE_POOL, .members = 3}});
  grove_release(model); // the pool has its own count
  check_ok_err(predict(w, p, put_file(w, "x.csv", "other,X\n9,1\n9,2\n9,10\n"), &s, &err), &err);
  assert_int_equal(s.rows, 3);
  assert_true(fabs(s.score - 29) < 1e-9);
  check_status(predict(w, p, put_file(w, "y.csv", "other,z\n9,1\n"), &s, &err), GROVE_ENOENT);
  check_contains(err.text, "unknown column \"x\"");
  check_status(predict(w, p, put_file(w, "n.csv", "x\n9\n\"\"\n3\n"), &s, &err), GROVE_EINVAL);
  check_contains(err.text, "row 2: column \"x\" is null or NaN");
  grove_pool_destroy(p);
}

static void the_sum_is_the_same_for_any_number_of_members(void **state)
{
  struct world *w = *state;
  char *text = malloc(400000);
  size_t n = (size_t)sprintf(text, "x\n");
  for (int i = 0; i < 20000; i++) {
    n += (size_t)sprintf(text + n, "%.6f\n", sin(i) * 1e6);
  }
  const char *path = put_file(w, "many.csv", text);
  free(text);
  grove_shared model;
  check_ok(grove_share_model(w->g, fit_line(), &model));
  double first = 0;
  for (uint32_t members = 1; members <= 4; members++) {
    grove_shard_score s[8];
    grove_error err = {0};
    grove_string paths[8];
    for (int i = 0; i < 8; i++) {
      paths[i] = grove_string_of(path);
    }
    grove_pool *p = grove_predictor_spawn(w->g, model,
        &(grove_predictor_options){
            GROVE_PREDICTOR, .pool = &(grove_pool_options){GROVE_POOL, .members = members}});
    check_ok_err(grove_predictor_predict_map(w->g, p, paths, 8, s, NULL, &err), &err);
    first = members == 1 ? s[0].score : first;
    for (int i = 0; i < 8; i++) {
      assert_int_equal(s[i].rows, 20000);
      assert_true(s[i].score == first);
    }
    grove_pool_destroy(p);
  }
  grove_release(model);
}

static grove_pool *spawn_writing(struct world *w, const char *rule)
{
  return grove_predictor_spawn(w->g, grove_borrow(NULL, 0),
      &(grove_predictor_options){GROVE_PREDICTOR, .rule = rule, .out_folder = w->folder,
          .pool = &(grove_pool_options){GROVE_POOL, .members = 1}});
}

static void read_back(const char *path, size_t rows, double sum)
{
  grove_store *store;
  grove_source in = {.struct_size = sizeof in};
  grove_parquet *file;
  grove_table *t;
  grove_error err = {0};
  double values[16], total = 0;
  check_ok(grove_store_open(NULL, &store, &err));
  check_ok_err(grove_store_source(store, path, &in, &err), &err);
  check_ok_err(grove_parquet_open(&in, NULL, &file, &err), &err);
  check_ok_err(grove_parquet_read(file, 0, 0, &t, &err), &err);
  assert_int_equal(grove_table_columns(t), 1);
  assert_string_equal(grove_table_name(t, 0), "prediction");
  assert_int_equal(grove_table_rows(t), rows);
  check_ok(grove_table_doubles(t, 0, 0, rows, values, &err));
  for (size_t i = 0; i < rows; i++) {
    total += values[i];
  }
  assert_true(total == sum);
  grove_table_release(t);
  grove_parquet_close(file);
  in.close(in.user);
  grove_store_close(store);
}

static void writes_back_and_goes_on_from_there(void **state)
{
  struct world *w = *state;
  grove_shard_score s;
  grove_error err = {0};
  char out[80];
  struct stat first, second;
  const char *csv = put_file(w, "shard.v1.csv", "n\n1\n2\n3\n");
  snprintf(out, sizeof out, "%s/shard.v1.parquet", w->folder);
  grove_pool *p = spawn_writing(w, "n >= 2");
  check_ok_err(predict(w, p, csv, &s, &err), &err);
  read_back(out, 3, 2);
  assert_int_equal(stat(out, &first), 0);
  check_ok_err(predict(w, p, csv, &s, &err), &err); // the same again: nothing is written
  assert_true(s.rows == 3 && s.score == 2);
  assert_int_equal(stat(out, &second), 0);
  assert_true(first.st_ino == second.st_ino);
  check_ok_err(predict(w, p, put_file(w, "shard.v1.csv", "n\n1\n2\n3\n4\n"), &s, &err), &err);
  assert_true(s.rows == 4 && s.score == 3); // the shard is another one
  grove_pool_destroy(p);
  p = spawn_writing(w, "n >= 3");
  check_ok_err(predict(w, p, csv, &s, &err), &err);
  assert_true(s.rows == 4 && s.score == 2); // the rule is another one
  read_back(out, 4, 2);
  assert_int_equal(unlink(out), 0);
  check_ok_err(predict(w, p, csv, &s, &err), &err);
  read_back(out, 4, 2); // it had gone
  check_ok_err(predict(w, p, put_file(w, "none.csv", "n\n"), &s, &err), &err);
  assert_int_equal(s.rows, 0);
  for (int noted = 0; noted < 2; noted++) { // what is somebody's stays
    FILE *f = fopen(out, "wb");
    assert_non_null(f);
    fputs("mine", f);
    assert_int_equal(fclose(f), 0);
    if (!noted) {
      char note[100];
      (void)snprintf(note, sizeof note, "%s/.shard.v1.parquet.done", w->folder);
      assert_int_equal(unlink(note), 0);
    }
    check_status(predict(w, p, csv, &s, &err), GROVE_EEXIST);
    check_contains(err.text, "shard.v1.parquet\" is there already, and ");
    assert_int_equal(stat(out, &first), 0);
    assert_int_equal(first.st_size, 4);
    assert_int_equal(unlink(out), 0);
    check_ok_err(predict(w, p, csv, &s, &err), &err); // with its note
  }
  grove_pool_destroy(p);
}

static void months_whose_types_drift(void **state)
{
  static const struct {
    const char *month;
    uint64_t rows;
  } months[] = {{"2022-01", 62495}, {"2022-02", 69399}, {"2023-01", 68211}, {"2023-02", 64809},
      {"2023-03", 72044}, {"2024-03", 57457}, {"2025-11", 46912}};
  struct world *w = *state;
  grove_pool *p = spawn_rule(w, "passenger_count is null or passenger_count is not null");
  for (size_t i = 0; i < sizeof months / sizeof *months; i++) {
    char path[512];
    grove_shard_score s;
    grove_error err = {0};
    snprintf(
        path, sizeof path, "%s/taxi/green_tripdata_%s.parquet", GROVE_DATA_DIR, months[i].month);
    if (access(path, R_OK)) {
      print_message("%s is not there: left out\n", path);
      grove_pool_destroy(p);
      skip();
    }
    check_ok_err(predict(w, p, path, &s, &err), &err);
    assert_int_equal(s.rows, months[i].rows);
    assert_true(s.score == (double)months[i].rows);
  }
  grove_pool_destroy(p);
}

// The tutorial's calls, one for one: six actors share a model, twelve shards are submitted, and results are taken while there
// are some, in order.
static void six_actors_score_twelve_shards(void **state)
{
  struct world *w = *state;
  grove_pool *pool = grove_predictor_spawn(w->g, grove_borrow(NULL, 0),
      &(grove_predictor_options){GROVE_PREDICTOR,
          .rule = "passenger_count >= 2",
          .pool = &(grove_pool_options){GROVE_POOL, .members = 6}});
  char paths[12][80];
  for (uint64_t i = 0; i < 12; i++) {
    char name[20], text[200] = "passenger_count\n";
    snprintf(name, sizeof name, "%llu.csv", (unsigned long long)i);
    for (uint64_t row = 0; row <= i; row++) {
      strcat(text, row % 2 ? "3\n" : "1\n");
    }
    snprintf(paths[i], sizeof paths[i], "%s", put_file(w, name, text));
    check_ok(grove_predictor_predict_submit(w->g, pool, grove_string_of(paths[i]), i));
  }
  uint64_t taken = 0;
  while (grove_pool_has_next(pool)) {
    uint64_t i;
    grove_shard_score s;
    grove_error err = {0};
    check_ok_err(grove_predictor_predict_get_next(w->g, pool, 60000, &i, &s, &err), &err);
    assert_int_equal(i, taken);
    assert_int_equal(s.rows, i + 1);
    assert_true(s.score == (double)((i + 1) / 2));
    taken++;
  }
  assert_int_equal(taken, 12);
  grove_pool_destroy(pool);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(scores_tables_of_text),
      TEST(names_what_is_wrong_with_a_shard),
      TEST(a_wrong_request_ends_each_item),
      TEST(a_model_is_shared_by_the_members),
      TEST(the_sum_is_the_same_for_any_number_of_members),
      TEST(writes_back_and_goes_on_from_there),
      TEST(months_whose_types_drift),
      TEST(six_actors_score_twelve_shards),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
