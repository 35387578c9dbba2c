#include "model/boost_help.h"
#include "base/pause.h"
#include "model/grow_kernels.h"

enum {
  CHUNK = 1024, // rows at least, which take longer than to take a ticket
  CHUNKS = 64,
  LEAST = 4 * CHUNK // rows that are worth asking for help
};

void grove__helping_init(grove__helping *h, const grove__boost_tree *t, const grove__job *job)
{
  *h = (grove__helping){.job = job,
      .growers = t->growers,
      .lanes = t->lanes,
      .words = t->words,
      .partial = t->helped};
}

// A chunk that nobody has taken; false: there is none. *chunks is how many there are in all.
static bool take_chunk(grove__helping *h, size_t *chunk, size_t *chunks)
{
  uint_least64_t ticket = atomic_load_explicit(&h->ticket, memory_order_relaxed);
  do {
    *chunk = ticket & 0xffff;
    *chunks = ticket >> 16 & 0xffff;
    if (*chunk >= *chunks) {
      return false;
    }
    // ORDER acquire: the rows. PAIRS the release store in grove__help_build.
  } while (!atomic_compare_exchange_weak_explicit(
      &h->ticket, &ticket, ticket + 1, memory_order_acquire, memory_order_relaxed));
  return true;
}

static void add_chunk(
    const grove__helping *h, const grove__grower *g, size_t chunk, size_t chunks, int64_t *to)
{
  const grove__job *job = h->job;
  size_t from = h->n * chunk / chunks, end = h->n * (chunk + 1) / chunks;
  job->kernels->histogram_more(job->bins, h->rows + from, end - from, job->value, job->weight, 0,
      job->bins->blocks, g->tile, to);
}

bool grove__help(grove__helping *h, size_t lane)
{
  size_t chunk, chunks;
  if (!h->partial || !take_chunk(h, &chunk, &chunks)) {
    return false;
  }
  int64_t *to = h->partial + lane * h->words;
  size_t added = atomic_load_explicit(&h->added[lane], memory_order_relaxed); // the ticket orders it
  if (added == 0) {
    memset(to, 0, h->words * sizeof *to);
  }
  add_chunk(h, &h->growers[lane], chunk, chunks, to);
  // ORDER release: the sums. PAIRS put_together.
  atomic_store_explicit(&h->added[lane], added + 1, memory_order_release);
  return true;
}

// Waits for chunks that are being added, and adds up what others have.
static void put_together(grove__helping *h, size_t missing, int64_t *to)
{
  for (size_t found = 0; found < missing; grove__pause()) {
    found = 0;
    for (size_t i = 0; i < h->lanes; i++) {
      found += atomic_load_explicit(&h->added[i], memory_order_acquire); // PAIRS grove__help
    }
  }
  for (size_t i = 0; i < h->lanes; i++) {
    const int64_t *from = h->partial + i * h->words;
    if (atomic_load_explicit(&h->added[i], memory_order_relaxed)) { // nobody adds any more
      for (size_t k = 0; k < h->words; k++) {
        to[k] += from[k];
      }
      atomic_store_explicit(&h->added[i], 0, memory_order_relaxed); // the next ticket orders it
    }
  }
}

void grove__help_build(void *helping, grove__grower *g, const uint32_t *rows, size_t n, int64_t *to)
{
  grove__helping *h = helping;
  size_t chunk, chunks = n / CHUNK < CHUNKS ? n / CHUNK : CHUNKS, mine = 0;
  // ORDER acquire: the last one's histogram is complete. PAIRS the release store below.
  if (!h->partial || n < LEAST || atomic_exchange_explicit(&h->taken, true, memory_order_acquire)) {
    grove__histogram_build(h->job, rows, n, g->tile, to);
    return;
  }
  h->rows = rows;
  h->n = n;
  memset(to, 0, h->words * sizeof *to);
  uint_least64_t last = atomic_load_explicit(&h->ticket, memory_order_relaxed); // written with `taken` only
  // ORDER release: the rows, and that nothing is added yet. PAIRS take_chunk.
  atomic_store_explicit(&h->ticket, ((last >> 32) + 1) << 32 | chunks << 16, memory_order_release);
  for (size_t all; take_chunk(h, &chunk, &all); mine++) {
    add_chunk(h, g, chunk, chunks, to);
  }
  put_together(h, chunks - mine, to);
  atomic_store_explicit(&h->taken, false, memory_order_release); // PAIRS the exchange above
}
