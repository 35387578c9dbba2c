// Different data, same function: one model, many shards, a pool of actors.
//
// The model is shared once; each actor holds the same bytes. Shards wait in the pool's queue, and each actor takes the
// next one when it is done with its last. A shard that can't be read is an error with a name; the others go on.
#include "predictor.h"
#include "shards.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN_ORDER, UNORDERED, MAP };
typedef struct options {
  int take;
  long actors, payload;
  int first_shard;
} options;
typedef struct totals {
  size_t shards, failed;
  uint64_t predictions;
  double score;
} totals;

static int usage(void)
{
  fprintf(stderr,
      "usage: batch_inference [--actors N] [--payload N] [--unordered | --map] SHARD...\n"
      "Scores passenger_count >= 2 over Parquet shards: files, folders or quoted globs.\n"
      "  --actors N     that work at once (6)\n"
      "  --payload N    numbers in the model, which is shared once (9990)\n"
      "  --unordered    prints results as they come, not in the order of the shards\n"
      "  --map          hands all shards over at once and waits for all results\n"
      "Exit code: 0 all were scored, 3 some shards failed, 2 wrong arguments, 1 anything else.\n");
  return 2;
}

static bool read_number(const char *text, long least, long most, long *out)
{
  char *end;
  *out = text ? strtol(text, &end, 10) : 0;
  return text && end != text && !*end && *out >= least && *out <= most;
}

static bool read_options(int argc, char **argv, options *o)
{
  int i = 1;
  for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
    if (!strcmp(argv[i], "--unordered")) {
      o->take = UNORDERED;
    } else if (!strcmp(argv[i], "--map")) {
      o->take = MAP;
    } else if (!strcmp(argv[i], "--actors") && read_number(argv[i + 1], 1, 10000, &o->actors)) {
      i++;
    } else if (!strcmp(argv[i], "--payload") &&
               read_number(argv[i + 1], 0, 1L << 30, &o->payload)) {
      i++;
    } else {
      const char *value = argv[i + 1] ? argv[i + 1] : "";
      fprintf(stderr, "batch_inference: \"%s %s\" is not understood\n", argv[i], value);
      return false;
    }
  }
  o->first_shard = i;
  return i < argc;
}

static void report(
    totals *t, const char *path, grove_status s, const shard_score *score, const grove_error *err)
{
  if (s) {
    printf("%s: %s%s%s\n", path, grove_status_text(s), err ? ": " : "", err ? err->text : "");
    t->failed++;
    return;
  }
  printf("%s: %llu predictions, score %.0f\n", path, (unsigned long long)score->predictions,
      score->score);
  t->shards++;
  t->predictions += score->predictions;
  t->score += score->score;
}

// Submits as fast as the pool takes them, then takes results in the order of submitting, or of ending.
static grove_status by_results(grove *g, grove_pool *pool, const shards *list, int take, totals *t)
{
  for (size_t i = 0; i < list->n; i++) {
    grove_status s = predictor_predict_submit(g, pool, grove_string_of(list->path[i]), i);
    if (s) {
      return s;
    }
  }
  while (grove_pool_has_next(pool)) {
    uint64_t i = list->n;
    shard_score score;
    grove_error err = {0};
    grove_status s =
        take == IN_ORDER
            ? predictor_predict_get_next(g, pool, GROVE_FOREVER, &i, &score, &err)
            : predictor_predict_get_next_unordered(g, pool, GROVE_FOREVER, &i, &score, &err);
    if (i == list->n) {
      return s; // nothing was taken: the wait itself failed
    }
    report(t, list->path[i], s, &score, &err);
  }
  return GROVE_OK;
}

// The same in one call. A status for each shard, and the words of the first that failed.
static grove_status by_map(grove *g, grove_pool *pool, const shards *list, totals *t)
{
  grove_string *path = calloc(list->n, sizeof *path);
  shard_score *score = calloc(list->n, sizeof *score);
  grove_status *each = calloc(list->n, sizeof *each);
  grove_error err = {0};
  grove_status s = path && score && each ? GROVE_OK : GROVE_ENOMEM;
  if (!s) {
    for (size_t i = 0; i < list->n; i++) {
      path[i] = grove_string_of(list->path[i]);
    }
    grove_status first = predictor_predict_map(g, pool, path, list->n, score, each, &err);
    for (size_t i = 0; i < list->n; i++) {
      report(t, list->path[i], each[i], &score[i], first && err.at == (int64_t)i ? &err : NULL);
    }
  }
  free(path);
  free(score);
  free(each);
  return s;
}

static grove_status run(grove *g, const shards *list, const options *o, totals *t)
{
  grove_shared model = {0};
  grove_status s = dummy_model_share(g, (size_t)o->payload, &model);
  if (s) {
    return s;
  }
  grove_pool *pool = predictor_pool_spawn(
      g, model, &(grove_pool_options){GROVE_POOL, .members = (uint32_t)o->actors});
  grove_release(model); // the actors hold it now
  s = o->take == MAP ? by_map(g, pool, list, t) : by_results(g, pool, list, o->take, t);
  grove_pool_destroy(pool);
  return s;
}

int main(int argc, char **argv)
{
  options o = {.take = IN_ORDER, .actors = 6, .payload = 9990};
  totals t = {0};
  shards list = {0};
  grove *g = NULL;
  grove_store *store = NULL;
  grove_error err = {0};
  if (!read_options(argc, argv, &o)) {
    return usage();
  }
  grove_status s = grove_store_open(NULL, &store, &err);
  for (int i = o.first_shard; i < argc && !s; i++) {
    s = shards_add(&list, store, argv[i]);
  }
  grove_store_close(store);
  if (!s) {
    s = grove_start(NULL, &g);
  }
  if (!s) {
    s = run(g, &list, &o, &t);
    grove_status stopped = grove_stop(g, 10000, NULL);
    s = s ? s : stopped;
  }
  shards_free(&list);
  if (s) {
    fprintf(stderr, "batch_inference: %s\n", err.text[0] ? err.text : grove_status_text(s));
    return 1;
  }
  printf("total: %zu shard%s, %llu predictions, score %.0f\n", t.shards, t.shards == 1 ? "" : "s",
      (unsigned long long)t.predictions, t.score);
  if (t.failed) {
    fflush(stdout);
    fprintf(stderr, "batch_inference: %zu shard%s failed\n", t.failed, t.failed == 1 ? "" : "s");
    return 3;
  }
  return 0;
}
