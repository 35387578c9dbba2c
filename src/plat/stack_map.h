// Address space for stacks, and what stands guard below each of them.
#ifndef GROVE_PLAT_STACK_MAP_H
#define GROVE_PLAT_STACK_MAP_H
#include "base/status.h"

/// One stack's memory: [low, low + bytes), a guard below. Exactly one of the two holds: the guard's pages can't
/// be touched, or `canary`: nothing watches but the words at the low end.
typedef struct grove__stack_area {
  char *low;
  size_t bytes;
  char *map; ///< of its own; NULL: a slot of an arena, kept until the end
  size_t map_bytes;
  bool canary;
  bool protects; ///< counted in stack_maps.protected
} grove__stack_area;

/// Slots of one size in few large mappings ("arenas", chained, each twice the one before), and single mappings
/// for other sizes. Not thread-safe: the owner's lock guards it.
typedef struct grove__stack_maps {
  size_t page;
  size_t slot_bytes; ///< usable
  size_t guard_bytes;
  int guard;        ///< what is tried first from now on: GROVE__GUARD_...
  size_t protected; ///< mprotect guards that stand, and how many may
  size_t protected_most;
  struct arena *arenas; ///< the newest first; only it has unused slots
  uint64_t mapped;      ///< bytes of address space
} grove__stack_maps;

/// `usable` is rounded up to pages. Maps nothing yet.
void grove__stack_maps_init(grove__stack_maps *m, size_t usable, int guard);
/// Unmaps all arenas. Areas of their own must have been given back.
void grove__stack_maps_deinit(grove__stack_maps *m);
/// A slot that was never used. Returns: GROVE_ENOMEM
grove_status grove__stack_maps_take_slot(grove__stack_maps *m, grove__stack_area *out);
/// A mapping of at least `usable` bytes. Returns: GROVE_ENOMEM
grove_status grove__stack_maps_take_own(
    grove__stack_maps *m, size_t usable, grove__stack_area *out);
/// Unmaps what take_own gave.
void grove__stack_maps_give_own(grove__stack_maps *m, grove__stack_area *area);
/// Gives the pages of an area back to the system; the address space and the guard stay.
void grove__stack_area_cool(const grove__stack_area *area);
#endif
