// Trains all kinds that a registry knows, our own among them, with the ready-made training supervisor.
#include "mean.h"
#include <grove.h>
#include <grove/train.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PARAMETERS = 32 };

static int usage(void)
{
  fprintf(stderr, "usage: own_model FILE.csv [MODEL.PARAMETER=VALUE...]\n"
                  "Trains the built-in models and `mean`, which lives in mean.c, to predict the "
                  "last column.\n");
  return 2;
}

static grove_status train(grove *g, const char *path, const grove_parameter *parameters,
    grove_registry *kinds, grove_error *err)
{
  grove_table *table = NULL;
  grove_trained_list list = {{0}};
  grove_status s = grove_csv_read(path, NULL, &table, err);
  if (s) {
    return s;
  }
  grove_trainer_ref trainer = grove_trainer_spawn(g, table,
      &(grove_trainer_options){GROVE_TRAINER, .registry = kinds, .parameters = parameters});
  grove_table_release(table); // the trainer has a count of its own
  s = grove_trainer_work_get(
      g, grove_trainer_work_call(g, trainer, GROVE_NONE), GROVE_FOREVER, &list, err);
  for (size_t i = 0; i < grove_trained_list_count(list); i++) {
    const grove_trained *m = grove_trained_list_at(list, i);
    printf("%-18s %-6s mse %.6f in %.3f s (%s)%s\n", m->name, m->state, m->mse, m->train_seconds,
        m->parameters, m->error);
  }
  grove_release(list.shared);
  return s;
}

int main(int argc, char **argv)
{
  grove_parameter parameters[MOST_PARAMETERS + 1] = {{NULL, NULL}};
  if (argc < 2 || argc > MOST_PARAMETERS + 2) {
    return usage();
  }
  for (int i = 2; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (!value) {
      return usage();
    }
    *value = '\0';
    parameters[i - 2] = (grove_parameter){argv[i], value + 1};
  }
  grove *g = NULL;
  grove_registry *kinds = NULL;
  grove_error err = {0};
  grove_status s = grove_registry_create(NULL, &kinds);
  if (!s) {
    s = grove_registry_add(kinds, &mean_learner, &err);
  }
  if (!s) {
    s = grove_start(NULL, &g);
  }
  if (!s) {
    s = train(g, argv[1], parameters, kinds, &err);
  }
  if (s) {
    fprintf(stderr, "own_model: %s: %s\n", grove_status_text(s), err.text);
  }
  if (g && grove_stop(g, 5000, NULL)) {
    return 1;
  }
  grove_registry_destroy(kinds); // after all of its models
  return s != GROVE_OK;
}
