// Tasks or actors? A task has no state, so each one fetches the model again; an actor fetches it once, in its start,
// and keeps it. The same shards are scored both ways; the fetches are counted and the times taken.
#include <grove.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_SHARDS = 10000 };

// What is fetched: `weights` numbers. Making them stands for a download.
typedef struct plan {
  long weights;
  atomic_int *fetches;
} plan;
typedef struct job {
  plan plan;
  long shard;
} job;
GROVE_TYPE(plan)
GROVE_TYPE(job)
struct model {
  long n;
  double *weight;
};

static grove_status fetch_model(grove *self, const plan *p, struct model *out)
{
  out->weight = malloc((size_t)p->weights * sizeof *out->weight);
  if (!out->weight) {
    return grove_fail(self, GROVE_ENOMEM, "no memory for a model of %ld weights", p->weights);
  }
  atomic_fetch_add(p->fetches, 1);
  out->n = p->weights;
  uint64_t x = 1;
  for (long i = 0; i < out->n; i++) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    out->weight[i] = (double)(x >> 40) / 16777216.0;
  }
  return GROVE_OK;
}

static double score(const struct model *m, long shard)
{
  return m->weight[shard % m->n] * (double)(shard + 1);
}

// ---- a task: fetches, scores, forgets -------------------------------------------------------------
GROVE_FUNCTION(score_shard, job, double)
static grove_status score_shard(grove *self, const job *in, double *out)
{
  struct model m = {0};
  grove_status s = fetch_model(self, &in->plan, &m);
  if (!s) {
    *out = score(&m, in->shard);
  }
  free(m.weight);
  return s;
}

// ---- an actor: fetches once, scores many ----------------------------------------------------------
struct scorer {
  struct model model;
};
#define SCORER(START, METHOD) START(scorer, plan) METHOD(scorer, score, long, double)
static void free_scorer(void *state)
{
  free(((struct scorer *)state)->model.weight);
}
GROVE_ACTOR_WITH(SCORER, scorer, .destroy = free_scorer)

static grove_status scorer_start(grove *self, struct scorer *s, const plan *p)
{
  return fetch_model(self, p, &s->model);
}

static grove_status scorer_score(grove *self, struct scorer *s, const long *shard, double *out)
{
  (void)self;
  *out = score(&s->model, *shard);
  return GROVE_OK;
}

// ---- both ways ------------------------------------------------------------------------------------
static grove_status by_tasks(grove *g, const plan *p, long shards, double *of, grove_error *err)
{
  static score_shard_future done[MOST_SHARDS];
  for (long i = 0; i < shards; i++) {
    done[i] = score_shard_task(g, (job){.plan = *p, .shard = i});
  }
  return score_shard_get_all(g, done, (size_t)shards, GROVE_FOREVER, of, err);
}

static grove_status by_actors(
    grove *g, const plan *p, long shards, uint32_t actors, double *of, grove_error *err)
{
  static long shard[MOST_SHARDS];
  for (long i = 0; i < shards; i++) {
    shard[i] = i;
  }
  grove_pool *pool = scorer_pool_spawn(g, *p, &(grove_pool_options){GROVE_POOL, .members = actors});
  grove_status s = scorer_score_map(g, pool, shard, (size_t)shards, of, NULL, err);
  grove_pool_destroy(pool);
  return s;
}

static int usage(void)
{
  fprintf(stderr,
      "usage: tasks_vs_actors [SHARDS [ACTORS [WEIGHTS]]]\nScores SHARDS (12, at most %d) by tasks "
      "and by "
      "ACTORS (3) actors, with a model of WEIGHTS (1000000) numbers.\n",
      MOST_SHARDS);
  return 2;
}

// args[i], or a default; 0: it is no number between 1 and `most`.
static long read_number(int argc, char **argv, int i, long standard, long most)
{
  char *end;
  if (i >= argc) {
    return standard;
  }
  long n = strtol(argv[i], &end, 10);
  return end == argv[i] || *end || n < 1 || n > most ? 0 : n;
}

int main(int argc, char **argv)
{
  static double tasks[MOST_SHARDS], actors[MOST_SHARDS];
  atomic_int fetches = 0;
  long shards = read_number(argc, argv, 1, 12, MOST_SHARDS);
  long members = read_number(argc, argv, 2, 3, 1000);
  const plan p = {.weights = read_number(argc, argv, 3, 1000000, 100000000), .fetches = &fetches};
  grove *g;
  grove_error err = {0};
  if (argc > 4 || !shards || !members || !p.weights) {
    return usage();
  }
  if (grove_start(NULL, &g)) {
    fprintf(stderr, "tasks_vs_actors: the runtime did not start\n");
    return 1;
  }
  int64_t start = grove_now_ns(g);
  if (by_tasks(g, &p, shards, tasks, &err)) {
    goto end;
  }
  printf("tasks:  %3d fetches, %.6f s\n", atomic_exchange(&fetches, 0),
      (double)(grove_now_ns(g) - start) / 1e9);
  start = grove_now_ns(g);
  if (by_actors(g, &p, shards, (uint32_t)members, actors, &err)) {
    goto end;
  }
  printf("actors: %3d fetches, %.6f s\n", atomic_load(&fetches),
      (double)(grove_now_ns(g) - start) / 1e9);
  long differ = 0;
  for (long i = 0; i < shards; i++) {
    differ += tasks[i] != actors[i];
  }
  printf(differ ? "%ld results differ\n" : "the same results\n", differ);
end:
  if (err.status) {
    fprintf(stderr, "tasks_vs_actors: %s: %s\n", grove_status_text(err.status), err.text);
  }
  return grove_stop(g, 5000, NULL) || err.status;
}
