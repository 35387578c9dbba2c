// A tree of actors: a supervisor that owns five model actors and trains them side by side on the same data.
//
//   main ── supervisor ─┬─ decision_tree          main asks the supervisor for its work, and looks at the states of the
//                       ├─ random_forest          models while they train. The supervisor asks all of its models, and
//                       ├─ gradient_boosting      waits for them inside its own method.
//                       ├─ linear
//                       └─ k_nearest              (our own kind: k_nearest.c)
#include "k_nearest.h"
#include "supervisor.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static model_config configs[MODELS] = {
    {"decision_tree", {{"max_depth", "15"}}},
    {"random_forest", {{"n_estimators", "150"}}},
    {"gradient_boosting",
        {{"max_depth", "10"}, {"n_estimators", "150"}, {"eta", "0.3"}, {"colsample_bytree", "1"}}},
    {"linear", {{NULL, NULL}}},
    {"k_nearest", {{"k", "5"}}},
};

static int usage(void)
{
  fprintf(stderr, "usage: tree_of_actors FILE.csv [--seed N] [--set MODEL.PARAMETER=VALUE]...\n"
                  "Trains five models to predict the last column, on four fifths of the rows; "
                  "scores them on the rest.\n");
  return 2;
}

// "decision_tree.max_depth=5" into the configs; the text stays. What the parameter means is the model's to check.
static bool set_parameter(char *text)
{
  char *dot = text ? strchr(text, '.') : NULL;
  char *equals = dot ? strchr(dot, '=') : NULL;
  if (!equals) {
    return false;
  }
  *dot = *equals = '\0';
  for (int i = 0; i < MODELS; i++) {
    grove_parameter *p = configs[i].parameters;
    if (strcmp(configs[i].kind, text)) {
      continue;
    }
    while (p->name && strcmp(p->name, dot + 1)) {
      p++;
    }
    if (p == configs[i].parameters + MOST_PARAMETERS) {
      return false;
    }
    *p = (grove_parameter){dot + 1, equals + 1};
    return true;
  }
  fprintf(stderr, "tree_of_actors: no model is called \"%s\"\n", text);
  return false;
}

static bool read_options(int argc, char **argv, uint64_t *seed)
{
  char *end = NULL;
  for (int i = 2; i < argc; i += 2) {
    if (i + 1 < argc && !strcmp(argv[i], "--seed")) {
      *seed = strtoull(argv[i + 1], &end, 10);
      if (end == argv[i + 1] || *end) {
        return false;
      }
    } else if (strcmp(argv[i], "--set") || !set_parameter(argv[i + 1])) {
      return false;
    }
  }
  return argc >= 2 && argv[1][0] != '-';
}

// What others see of the models while they train. Nothing goes through a mailbox: nobody is disturbed.
static void show_states(grove *g, supervisor_ref s)
{
  grove_info of[MODELS];
  size_t n = 0;
  if (grove_snapshot(g,
          &(grove_snapshot_options){GROVE_SNAPSHOT, .under = s.ref, .of_class = &model_class}, of,
          sizeof *of, MODELS, &n)) {
    return;
  }
  for (size_t i = 0; i < n && i < MODELS; i++) {
    printf("%s%s: %s", i ? "   " : "", of[i].label, of[i].state);
  }
  printf("\n");
  fflush(stdout);
}

static int show_report(const report *r)
{
  int failed = 0;
  printf("\n%-18s %-7s %9s %10s  %s\n", "model", "state", "MSE", "train", "parameters");
  for (int i = 0; i < MODELS; i++) {
    const result *m = &r->of[i];
    if (m->status) {
      printf("%-18s %-7s %9s %10s  %s: %s\n", m->kind, "FAILED", "-", "-",
          grove_status_text(m->status), m->error);
      failed++;
    } else {
      printf("%-18s %-7s %9.6f %8.3f s  %s\n", m->kind, "DONE", m->row.mse, m->row.train_seconds,
          m->row.parameters);
    }
  }
  return failed;
}

// Reads the data once and shares it: the models hold counts, not copies.
static grove_status share_data(grove *g, const char *path, supervisor_plan *plan, grove_error *err)
{
  grove_table *all = NULL, *train = NULL, *test = NULL;
  grove_status s = grove_csv_read(path, NULL, &all, err);
  if (!s) {
    s = grove_table_split(all, 0.2, plan->seed, &train, &test, err);
  }
  if (!s && !(s = grove_share_table(g, train, &plan->train))) {
    train = NULL; // taken over
  }
  if (!s && !(s = grove_share_table(g, test, &plan->test))) {
    test = NULL;
  }
  grove_table_release(all);
  grove_table_release(train);
  grove_table_release(test);
  return s;
}

static grove_status run(
    grove *g, const char *path, supervisor_plan *plan, report *out, grove_error *err)
{
  grove_status s = share_data(g, path, plan, err);
  if (!s) {
    supervisor_ref supervisor = supervisor_spawn(g, *plan, NULL);
    supervisor_work_future work = supervisor_work_call(g, supervisor, GROVE_NONE);
    while (grove_wait(g, &work.future, 1, 1, 500) == GROVE_ETIMEDOUT) {
      show_states(g, supervisor);
    }
    s = supervisor_work_get(g, work, GROVE_FOREVER, out, err);
  }
  grove_release(plan->train); // the supervisor has counts of its own
  grove_release(plan->test);
  return s;
}

int main(int argc, char **argv)
{
  supervisor_plan plan = {.configs = configs, .seed = 0};
  static report r;
  grove *g = NULL;
  grove_registry *kinds = NULL;
  grove_error err = {0};
  if (!read_options(argc, argv, &plan.seed)) {
    return usage();
  }
  grove_status s = grove_registry_create(NULL, &kinds);
  if (!s) {
    s = grove_registry_add(kinds, &k_nearest_learner, &err);
  }
  if (!s) {
    plan.registry = kinds;
    s = grove_start(NULL, &g);
  }
  if (!s) {
    s = run(g, argv[1], &plan, &r, &err);
    grove_status stopped = grove_stop(g, 10000, NULL);
    s = s ? s : stopped;
  }
  grove_registry_destroy(kinds); // after all of its models
  if (s) {
    fprintf(stderr, "tree_of_actors: %s: %s\n", grove_status_text(s), err.text);
    return 1;
  }
  return show_report(&r) ? 3 : 0;
}
