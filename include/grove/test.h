// grove/test.h: for your own cmocka tests of your own actors. Header-only, C only, over sim.h.
//
//   #include <setjmp.h>  // what cmocka.h wants before it
//   #include <stdarg.h>
//   #include <stddef.h>
//   #include <stdint.h>
//   #include <cmocka.h>
//   #include <grove/test.h>
//
//   static void adds(void **state)
//   {
//     (void)state;
//     GROVE_TEST_SEEDS(1, 500) {
//       grove *g = grove_test_start(NULL);
//       grove_error err;
//       long sum;
//       counter_ref c = counter_spawn(g, 40, NULL);
//       assert_grove_ok(counter_add_ask(g, c, 2, 1000, &sum, &err), &err);
//       assert_int_equal(sum, 42);
//       grove_test_stop(g); // fails the test if anything was left behind
//     }
//   }
//   int main(int argc, char **argv)
//   {
//     const struct CMUnitTest tests[] = {GROVE_TEST(adds)};
//     return GROVE_TEST_RUN(argc, argv, tests);
//   }
//
// A test that fails says its seed; `--test adds --seed 17` runs that one schedule again, exactly. `--seeds 10000` runs
// more of them than the loops ask for, `--show-seeds` names each before it runs, for what ends the process.
// The header reads no environment. All of it is for one thread, the test's, and for the test function itself: an assert
// inside of a method would jump off the actor's stack, so let the method return a status and assert that.
#ifndef GROVE_TEST_H
#define GROVE_TEST_H
#if !defined(CMOCKA_H_)
#error "include cmocka.h (after setjmp.h, stdarg.h, stddef.h and stdint.h) before grove/test.h"
#endif
#include <grove/pool.h>
#include <grove/sim.h>
#include <grove/typed.h>
#include <grove/watch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROVE_TEST__LINES = 16, GROVE_TEST__LINE = 240 };
/// What one test executable knows. One object, however many files include this; not to be used by itself.
typedef struct grove_test__state {
  uint64_t only, seeds; // of the command line; 0: not asked for
  bool show;
  const char *program, *test; // whose loop it is, while one runs
  uint64_t seed, last;
  grove *g;
  bool freed;
  size_t blocks, bytes; // of the runtime's allocator, now
  char log[GROVE_TEST__LINES][GROVE_TEST__LINE];
  uint64_t logged;
} grove_test__state;
#if defined(__GNUC__)
extern grove_test__state grove_test__now;
__attribute__((weak)) grove_test__state grove_test__now;
#else
static grove_test__state grove_test__now; // one a file: keep main and the tests in one file
#endif

// ---- running the tests ------------------------------------------------------------------------------
/// One test for cmocka's array: with the set-up and tear-down that name the seed of a failure, show the runtime's
/// last lines of log, and stop a runtime that the failure left behind.
#define GROVE_TEST(F) {#F, F, grove_test__set_up, grove_test__tear_down, NULL}
/// Reads the command line and runs the array. Gives what main returns: 0, or the number of failures; 2 and the usage
/// for a command line that it does not know.
#define GROVE_TEST_RUN(ARGC, ARGV, TESTS)                                                          \
  (grove_test__read((ARGC), (ARGV)) ? cmocka_run_group_tests((TESTS), NULL, NULL) : 2)
/// Runs the block once a seed: from FROM (at least 1), COUNT of them, unless the command line says otherwise. Don't leave
/// it by break or return, nor put one into another; `continue` is fine.
#define GROVE_TEST_SEEDS(FROM, COUNT)                                                              \
  for (grove_test__loop(__func__, (FROM), (COUNT)); grove_test__next();)

/// The seed at hand: of the loop, else of the command line, else 1.
GROVE_INLINE uint64_t grove_test_seed(void)
{
  const grove_test__state *t = &grove_test__now;
  return t->test ? t->seed : t->only ? t->only : 1;
}

GROVE_INLINE bool grove_test__number(const char *text, uint64_t *out)
{
  char *end = NULL;
  unsigned long long n = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
  if (!end || *end || n == 0 || n == UINT64_MAX) {
    return false;
  }
  *out = n;
  return true;
}

GROVE_INLINE bool grove_test__read(int argc, char **argv)
{
  grove_test__state *t = &grove_test__now;
  t->program = argc > 0 ? argv[0] : "the test";
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(argv[i], "--show-seeds") == 0) {
      t->show = true;
      continue;
    }
    if (strcmp(argv[i], "--test") == 0 && value) {
      cmocka_set_test_filter(value);
    } else if ((strcmp(argv[i], "--seed") || !grove_test__number(value, &t->only)) &&
               (strcmp(argv[i], "--seeds") || !grove_test__number(value, &t->seeds))) {
      fprintf(stderr,
          "%s: can't make anything of \"%s\"\n"
          "usage: %s [--test NAME] [--seed N | --seeds COUNT] [--show-seeds]\n"
          "  --test NAME    only tests of that name, which may have * and ? in it\n"
          "  --seed N       only that seed, from 1 on\n"
          "  --seeds COUNT  that many, instead of as many as the test says\n"
          "  --show-seeds   names each before it runs\n",
          t->program, argv[i], t->program);
      return false;
    }
    i++;
  }
  return true;
}

GROVE_INLINE void grove_test__loop(const char *test, uint64_t from, uint64_t count)
{
  grove_test__state *t = &grove_test__now;
  if (t->test || from == 0 || count == 0 || from > UINT64_MAX - count) {
    print_error("GROVE_TEST_SEEDS(%llu, %llu) in %s: %s\n", (unsigned long long)from,
        (unsigned long long)count, test,
        t->test      ? "another loop runs already, or was left by break"
        : from == 0  ? "seeds begin at 1, as 0 leaves the choice to the runtime"
        : count == 0 ? "no seeds would test nothing"
                     : "beyond the last number");
    fail();
  }
  count = t->seeds && t->seeds < UINT64_MAX - from ? t->seeds : count;
  t->test = test;
  t->seed = (t->only ? t->only : from) - 1; // next adds 1
  t->last = t->only ? t->only : from + (count - 1);
}

GROVE_INLINE bool grove_test__next(void)
{
  grove_test__state *t = &grove_test__now;
  if (t->seed == t->last) {
    t->test = NULL;
    return false;
  }
  t->seed++;
  if (t->show) {
    print_message("%s: seed %llu\n", t->test, (unsigned long long)t->seed);
  }
  return true;
}

// ---- a runtime in simulation ------------------------------------------------------------------------
GROVE_INLINE void *grove_test__realloc(void *user, void *p, size_t old_bytes, size_t new_bytes)
{
  grove_test__state *t = (grove_test__state *)user;
  if (new_bytes == 0) {
    t->blocks -= p != NULL;
    t->bytes -= old_bytes;
    free(p);
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q) {
    t->blocks += p == NULL;
    t->bytes = t->bytes - old_bytes + new_bytes;
  }
  return q;
}

GROVE_INLINE void grove_test__log(void *user, int level, const char *component, const char *text)
{
  static const char *const names[] = {"debug", "info", "warning", "error"};
  grove_test__state *t = (grove_test__state *)user;
  char *line = t->log[t->logged++ % GROVE_TEST__LINES];
  const char *name = level >= 0 && level <= GROVE_LOG_ERROR ? names[level] : "?";
  int used = snprintf(line, GROVE_TEST__LINE, "%s %s: ", name, component);
  size_t from = used < 0                          ? 0
                : (size_t)used < GROVE_TEST__LINE ? (size_t)used
                                                  : GROVE_TEST__LINE - 1;
  size_t fits = GROVE_TEST__LINE - 1 - from, n = strlen(text);
  n = n < fits ? n : fits;
  memcpy(line + from, text, n);
  line[from + n] = '\0';
}

GROVE_INLINE void grove_test__freed(void *user)
{
  ((grove_test__state *)user)->freed = true;
}

/// A simulated runtime with the seed at hand. `more` (may be NULL) has further options; simulate, seed, allocator, log,
/// freed and user are the kit's. One at a time; others are made by grove_start. Fails the test if it does not start.
GROVE_INLINE grove *grove_test_start(const grove_options *more)
{
  grove_test__state *t = &grove_test__now;
  static grove_allocator memory;
  grove_options o = {GROVE_OPTIONS};
  if (t->g) {
    fail_msg("grove_test_start: the one before was not stopped");
  }
  if (more && more->struct_size != sizeof o) {
    fail_msg("grove_test_start: options without GROVE_OPTIONS");
  }
  o = more ? *more : o;
  memory.realloc_fn = grove_test__realloc;
  memory.user = t;
  o.simulate = 1;
  o.seed = grove_test_seed();
  o.allocator = &memory;
  o.log = grove_test__log;
  o.freed = grove_test__freed;
  o.user = t;
  t->blocks = t->bytes = 0;
  t->freed = false;
  t->logged = 0;
  grove_status s = grove_start(&o, &t->g);
  if (s) {
    fail_msg("grove_start: %s", grove_status_text(s));
  }
  return t->g;
}

// Ends what the test spawned, so that only what it holds itself is left. Returns: how many did not end in an orderly way
GROVE_INLINE size_t grove_test__end_actors(grove *g)
{
  size_t total = 0, room, bad = 0;
  grove_info none = {.struct_size = sizeof none};
  if (grove_snapshot(g, NULL, &none, sizeof none, 0, &total)) {
    return 1;
  }
  room = total;
  grove_info *all = (grove_info *)calloc(room + 1, sizeof *all);
  grove_future *gone = (grove_future *)calloc(room + 1, sizeof *gone);
  size_t n = 0;
  if (!all || !gone || grove_snapshot(g, NULL, all, sizeof *all, room, &total)) {
    free(all);
    free(gone);
    return 1;
  }
  for (size_t i = 0; i < room && i < total; i++) {
    if (grove_ref_equal(all[i].parent, grove_self(g))) {
      gone[n++] = grove_exit(g, all[i].ref, 5000);
    }
  }
  for (size_t i = 0; i < n; i++) {
    grove_error down;
    grove_status s = grove_get(g, gone[i], GROVE_FOREVER, &down, sizeof down, NULL);
    if (s || down.status == GROVE_ESTUCK) {
      print_error("an actor did not end: %s\n", s ? grove_status_text(s) : down.text);
      bad++;
    }
  }
  free(all);
  free(gone);
  return bad;
}

/// Forgets the faults, ends all actors (as grove_exit with 5000 ms of virtual time), stops the runtime, and fails the test, with words, if
/// an actor did not end, or the test left behind: a future that it never spent, shared data that it never
/// released, or memory. A failing test need not get here.
GROVE_INLINE void grove_test_stop(grove *g)
{
  grove_test__state *t = &grove_test__now;
  grove_stats stats = {.struct_size = sizeof stats};
  if (!g || g != t->g) {
    fail_msg("grove_test_stop: not what grove_test_start gave");
  }
  bool forgotten = grove_sim_fault(g, NULL) == GROVE_OK; // what is left of faults is not for the end
  size_t bad = grove_test__end_actors(g) + !forgotten;
  grove_status s = grove_stats_get(g, &stats);
  t->g = NULL;
  grove_status stopped = grove_stop(g, 60000, NULL);
  if (s || stopped) {
    print_error("grove_stop: %s\n", grove_status_text(s ? s : stopped));
    bad++;
  }
  if (stats.actors) {
    print_error("%u actors did not end\n", (unsigned)stats.actors);
    bad++;
  }
  if (stats.futures) {
    print_error(
        "%u futures were never spent: get, drop or dispatch them\n", (unsigned)stats.futures);
    bad++;
  }
  if (stats.shared_bytes) {
    print_error(
        "%llu bytes of shared data were never released\n", (unsigned long long)stats.shared_bytes);
    bad++;
  }
  if (!t->freed || t->blocks || t->bytes) {
    print_error("%zu blocks, %zu bytes of memory were never given back%s\n", t->blocks, t->bytes,
        t->freed ? "" : ", and options.freed was not called");
    bad++;
  }
  if (bad) {
    fail_msg("grove_test_stop: something was left behind, see above");
  }
}

/// What the runtime of grove_test_start has allocated now, in bytes.
GROVE_INLINE size_t grove_test_bytes(void)
{
  return grove_test__now.bytes;
}

/// Whether the last lines of log (16 are kept) have that text in them.
GROVE_INLINE bool grove_test_logged(const char *text)
{
  const grove_test__state *t = &grove_test__now;
  for (uint64_t i = 0; i < t->logged && i < GROVE_TEST__LINES; i++) {
    if (strstr(t->log[i], text)) {
      return true;
    }
  }
  return false;
}

GROVE_INLINE int grove_test__set_up(void **state)
{
  (void)state;
  grove_test__now.test = NULL;
  grove_test__now.logged = 0;
  return 0;
}

// cmocka comes here after a failure, too; a loop or a runtime that is still there tells of one.
GROVE_INLINE int grove_test__tear_down(void **state)
{
  grove_test__state *t = &grove_test__now;
  (void)state;
  if (t->test) {
    print_error("%s ended in seed %llu; the same again: %s --test %s --seed %llu\n", t->test,
        (unsigned long long)t->seed, t->program, t->test, (unsigned long long)t->seed);
  }
  if (t->test || t->g) {
    uint64_t from = t->logged > GROVE_TEST__LINES ? t->logged - GROVE_TEST__LINES : 0;
    for (uint64_t i = from; i < t->logged; i++) {
      print_error("  log: %s\n", t->log[i % GROVE_TEST__LINES]);
    }
  }
  t->test = NULL;
  if (t->g) {
    grove *g = t->g;
    t->g = NULL;
    (void)grove_stop(g, 60000, NULL);
  }
  return 0;
}

// ---- asserts ----------------------------------------------------------------------------------------
/// The call is GROVE_OK; else the test fails, with the words of ERR (a grove_error *, or NULL).
#define assert_grove_ok(CALL, ERR) assert_grove_status(CALL, GROVE_OK, ERR)
/// The call's status is WANT; else both are shown, and the words of ERR if it failed.
#define assert_grove_status(CALL, WANT, ERR)                                                       \
  grove_test__check((CALL), (WANT), (ERR), #CALL, __FILE__, __LINE__)
/// The words of ERR have TEXT in them; else the test fails, and shows them.
#define assert_grove_words(ERR, TEXT) grove_test__words((ERR), (TEXT), __FILE__, __LINE__)

GROVE_INLINE void grove_test__check(grove_status got, grove_status want, const grove_error *err,
    const char *call, const char *file, int line)
{
  if (got == want) {
    return;
  }
  print_error("%s: is %d (%s), should be %d (%s)\n", call, (int)got, grove_status_text(got),
      (int)want, grove_status_text(want));
  if (got && err) {
    print_error("  %s%s%s\n", err->method, err->method[0] ? ": " : "", err->text);
  }
  _fail(file, line);
}

GROVE_INLINE void grove_test__words(
    const grove_error *err, const char *text, const char *file, int line)
{
  if (!strstr(err->text, text)) {
    print_error("\"%s\" has no \"%s\" in it\n", err->text, text);
    _fail(file, line);
  }
}

// ---- probes: see sim.h --------------------------------------------------------------------------------
// C is a class and M its method, as in typed.h; PROBE a C_ref that PROBE_SPAWN gave.
/// A probe in place of a C; O: spawn options (a name, say) or NULL. Gives a C_ref.
#define PROBE_SPAWN(G, C, O) C##__ref(grove_test__probe((G), &C##_class, (O), __FILE__, __LINE__))
/// Runs until C.M has come to the probe, up to MS of virtual time; copies its argument to *ARG, whose type is checked.
/// Shared data in it is borrowed until the probe ends. Gives a grove_probed. Fails the test if another message comes
/// first, or none.
#define PROBE_EXPECT(G, PROBE, MS, C, M, ARG)                                                      \
  ((void)sizeof(C##_##M##_send((G), (PROBE), *(ARG))),                                             \
      grove_test__expect(                                                                          \
          (G), (PROBE).ref, (MS), &C##_##M##_method, (ARG), sizeof *(ARG), __FILE__, __LINE__))
/// Takes C.M if it is the next to come within MS, and answers it with *REPLY; true if so. Fails never.
#define PROBE_ALLOW(G, PROBE, MS, C, M, REPLY)                                                     \
  ((void)sizeof(C##_##M##_answer((G), (grove_promise){0, 0}, GROVE_OK, (REPLY))),                  \
      grove_test__allow((G), (PROBE).ref, (MS), &C##_##M##_method, (REPLY), sizeof *(REPLY)))
/// Fails the test if C.M is the next that comes within MS.
#define PROBE_DENY(G, PROBE, MS, C, M)                                                             \
  grove_test__deny((G), (PROBE).ref, (MS), &C##_##M##_method, __FILE__, __LINE__)
/// Fails the test if anything comes within MS of virtual time.
#define PROBE_EXPECT_NONE(G, PROBE, MS) grove_test__none((G), (PROBE).ref, (MS), __FILE__, __LINE__)
/// Ends the call of a grove_probed with *REPLY, whose type is checked. A plain send: does nothing. Fails the test if
/// it has been answered, or nobody waits for it any more.
#define PROBE_ANSWER(G, PROBED, C, M, REPLY)                                                       \
  assert_grove_ok(C##_##M##_answer((G), (PROBED).answer, GROVE_OK, (REPLY)), NULL)
/// The same with a failure and its words.
#define PROBE_FAIL(G, PROBED, STATUS, TEXT)                                                        \
  grove_test__fail_call((G), (PROBED).answer, (STATUS), (TEXT), __FILE__, __LINE__)

GROVE_INLINE grove_ref grove_test__probe(
    grove *g, const grove_class *c, const grove_spawn_options *o, const char *file, int line)
{
  grove_ref r = grove_probe_spawn(g, c, o);
  if (grove_ref_status(r)) {
    print_error("no probe for %s: %s\n", c->name, grove_status_text(grove_ref_status(r)));
    _fail(file, line);
  }
  return r;
}

GROVE_INLINE grove_probed grove_test__expect(grove *g, grove_ref probe, int64_t ms,
    const grove_method *m, void *arg, size_t bytes, const char *file, int line)
{
  grove_probed p = {NULL, {0, 0}};
  grove_error err = {0};
  if (bytes != m->arg->bytes) {
    print_error("the argument of %s is a %s of %u bytes, not of %zu\n", m->name, m->arg->name,
        (unsigned)m->arg->bytes, bytes);
    _fail(file, line);
  }
  if (grove_probe_expect(g, probe, ms, m, &p, &err)) {
    print_error("%s\n", err.text);
    _fail(file, line);
  }
  memcpy(arg, p.arg, bytes);
  return p;
}

GROVE_INLINE bool grove_test__allow(
    grove *g, grove_ref probe, int64_t ms, const grove_method *m, const void *reply, size_t bytes)
{
  grove_probed p;
  if (grove_probe_expect(g, probe, ms, m, &p, NULL)) {
    return false;
  }
  (void)grove_promise_answer(g, p.answer, GROVE_OK, reply, bytes); // a send needs no answer
  return true;
}

GROVE_INLINE void grove_test__deny(
    grove *g, grove_ref probe, int64_t ms, const grove_method *m, const char *file, int line)
{
  grove_probed p;
  if (grove_probe_expect(g, probe, ms, m, &p, NULL) == GROVE_OK) {
    print_error("%s came, and was not to\n", m->name);
    _fail(file, line);
  }
}

GROVE_INLINE void grove_test__none(
    grove *g, grove_ref probe, int64_t ms, const char *file, int line)
{
  grove_error err = {0};
  if (grove_probe_expect_none(g, probe, ms, &err)) {
    print_error("%s\n", err.text);
    _fail(file, line);
  }
}

GROVE_INLINE void grove_test__fail_call(
    grove *g, grove_promise p, grove_status s, const char *text, const char *file, int line)
{
  grove_error err = {.status = s, .at = -1};
  size_t n = strlen(text) < sizeof err.text ? strlen(text) : sizeof err.text - 1;
  memcpy(err.text, text, n);
  s = grove_promise_fail(g, p, &err);
  if (s) {
    print_error("the call can't be failed: %s\n", grove_status_text(s));
    _fail(file, line);
  }
}
#endif
