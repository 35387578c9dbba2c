// A mailbox without a scheduler, and numbered letters, for its tests.
#ifndef GROVE_TESTS_MAILBOX_BOX_H
#define GROVE_TESTS_MAILBOX_BOX_H
#include "check.h"
#include "queue/mailbox_quick.h"

typedef struct numbered {
  grove__letter letter;
  int producer;
  long n;
} numbered;
// The consumer's task: told when a push has made it queued; it rests as the scheduler has it (runtime/sched.c).
static atomic_int told;
static struct {
  grove__word word;
  grove__mailbox box;
} task;
static grove__mailbox_rest rest_of_box, none;
static grove_status push_box(uint64_t life, grove__letter *letter, bool force)
{
  bool queued;
  grove_status s = grove__mailbox_push(&task.box, life, letter, force, &queued);
  atomic_fetch_add(&told, queued);
  return s;
}
static uint64_t state_of(void)
{
  return grove__word_state(atomic_load(&task.word));
}
static void run(void)
{
  assert_int_equal(state_of(), GROVE__WORD_QUEUED);
  atomic_fetch_add(&task.word, GROVE__WORD_RUNNING - GROVE__WORD_QUEUED);
}
// False: it has letters, or somebody began to wait for room, who was told now if there is some.
static bool rest(void)
{
  uint64_t before = atomic_load(&task.word);
  if (before & GROVE__WORD_WANTED) {
    atomic_fetch_and(&task.word, ~(uint64_t)GROVE__WORD_WANTED);
    grove__mailbox_settle(&task.box);
    return false;
  }
  return !(before & GROVE__WORD_LETTERS) &&
         grove__word_state(before) == GROVE__WORD_RUNNING &&
         atomic_compare_exchange_strong(
             &task.word, &before, grove__word_with(before, GROVE__WORD_IDLE));
}

// Open for letters, with a task that rests.
static void open_box(uint64_t life, uint32_t limit, uint64_t bytes)
{
  grove__mailbox_open(&task.box, life, limit, bytes);
  if (grove__mailbox_begin(&task.box)) {
    atomic_fetch_sub(&task.word, GROVE__WORD_QUEUED - GROVE__WORD_IDLE);
  }
}

static int setup_box(void **state)
{
  (void)state;
  atomic_store(&told, 0);
  check_ok(grove__mailbox_init(&task.box, &none));
  grove__mailbox_rest_init(&rest_of_box);
  grove__mailbox_extend(&task.box, &rest_of_box);
  open_box(7, 3, 100);
  return 0;
}
static int teardown_box(void **state)
{
  (void)state;
  grove__mailbox_deinit(&task.box);
  return 0;
}
static numbered letter(long n, uint32_t lane, uint32_t bytes)
{
  return (numbered){.letter = {.lane = lane, .bytes = bytes}, .n = n};
}
static long number(grove__letter *l)
{
  return l ? ((numbered *)(void *)l)->n : -1;
}

static void put_back(numbered *l)
{
  check_ok(grove__mailbox_keep_room(&task.box, &l->letter, false));
  grove__mailbox_keep(&task.box, &l->letter);
}

static bool count_fire(void *user)
{
  ++*(int *)user;
  return true;
}
#endif
