// One histogram added up by several lanes, without a hand-over: whoever has it takes one chunk of its rows after the other, and lanes that
// look for work at that moment do, too. Who adds what does not matter, for sums are whole numbers.
#ifndef GROVE_MODEL_BOOST_HELP_H
#define GROVE_MODEL_BOOST_HELP_H
#include "model/boost_tree.h"
#include <stdatomic.h>

typedef struct grove__helping {
  const grove__job *job;
  grove__grower *growers;
  size_t lanes;
  size_t words;     // of a histogram
  int64_t *partial; // of each lane; NULL: there is no help
  atomic_bool taken; // somebody has a histogram here
  // Of that one. Written before the ticket is: what a ticket was taken for stays until its chunk is added.
  const uint32_t *rows;
  size_t n;
  atomic_uint_least64_t ticket; // its number, how many chunks it has, and the next one: 32, 16 and 16 bits
  atomic_size_t added[GROVE__FRONTIER]; // chunks that a lane has added to its own histogram
} grove__helping;

void grove__helping_init(grove__helping *h, const grove__boost_tree *t, const grove__job *job);
/// Adds a chunk of what another lane builds; false: there is none.
bool grove__help(grove__helping *h, size_t lane);
/// For grove__grower: builds with whoever comes.
void grove__help_build(void *helping, grove__grower *g, const uint32_t *rows, size_t n, int64_t *to);
#endif
