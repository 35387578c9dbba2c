#include "actor/message.h"
#include "actor/budget.h"

grove_status grove__message_create(grove__system *y, grove__stash *stash, const grove_method *m,
    const void *arg, bool numbered, grove__message **out)
{
  uint64_t bytes = sizeof(grove__message) + (uint64_t)(m ? m->arg->bytes : 0);
  if (numbered) { // aligned, and last
    bytes = ((bytes + 7) & ~(uint64_t)7) + sizeof(uint64_t);
  }
  if (bytes > UINT32_MAX) { // what a letter counts
    return GROVE_ENOMEM;
  }
  if (m && !grove__ledger_take(y->ledger, bytes)) {
    return GROVE_ELIMIT;
  }
  grove__block_cache *cache = stash ? &stash->blocks : NULL;
  grove__message *x = grove__blocks_take(&y->sched.blocks, cache, bytes);
  if (!x) {
    if (m) {
      grove__ledger_give(y->ledger, bytes);
    }
    return GROVE_ENOMEM;
  }
  grove__message_begin(x, m, (uint32_t)bytes, false, numbered ? GROVE__WATCHED_NUMBERED : 0);
  grove_status s = m ? grove__value_copy(y, m->arg, x->argument, arg) : GROVE_OK;
  if (s) {
    grove__ledger_give(y->ledger, bytes); // a mark has nothing to copy, and can't be here
    grove__blocks_give(&y->sched.blocks, cache, x, bytes);
    return s;
  }
  *out = x;
  return GROVE_OK;
}

void grove__message_destroy_slowly(grove__system *y, grove__worker *w, grove__message *m)
{
  if (m->method) {
    grove__value_release(m->method->arg, m->argument);
    grove__ledger_give(y->ledger, m->letter.bytes);
  }
  grove__blocks_give(&y->sched.blocks, w ? &w->stash.blocks : NULL, m, m->letter.bytes);
}

void grove__message_destroy(grove__system *y, grove__message *m)
{
  grove__message_destroy_on_worker(y, grove__sched_here(&y->sched), m);
}
