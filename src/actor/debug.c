// What a debugger needs to know of a runtime, as a table in it: tools/gdb/grove_gdb.py reads programs and core files
// whose library has neither symbols nor debug information. The script knows the order of these fields, and nothing else;
// change `version` with it.
#include "actor/activation.h"
#include "plat/switch.h"

struct grove__debug {
  char magic[8];
  uint32_t version, system_cells, slab_each, slab_made, slab_chunk, slab_first_bits, slab_chunks;
  uint32_t cell_life, cell_manner, manner_class, cell_rest, annex_rest, annex_name, annex_label, cell_phase, cell_tied, tied_activations;
  uint32_t class_name, method_name;
  uint32_t activation_next, activation_worker, activation_strand, activation_method;
  uint32_t worker_context, worker_place, strand_fiber;
  uint32_t
      switch_kind; // how a stack is left: 1: switch_asm.S for x86-64, 2: for aarch64, 0: otherwise
};
#if defined(GROVE__SWITCH_ASM) && defined(__x86_64__)
#define SWITCH_KIND 1
#elif defined(GROVE__SWITCH_ASM)
#define SWITCH_KIND 2
#else
#define SWITCH_KIND 0
#endif

static const struct grove__debug table = {{'g', 'r', 'o', 'v', 'e', 'd', 'b', 'g'}, 5,
    offsetof(grove__system, cells), offsetof(grove__slab, each), offsetof(grove__slab, made),
    offsetof(grove__slab, chunk), GROVE__SLAB_FIRST_BITS, GROVE__SLAB_CHUNKS,
    offsetof(grove__cell, mailbox.life), offsetof(grove__cell, task.kind), offsetof(grove__manner, class),
    offsetof(grove__cell, mailbox.rest), offsetof(grove__annex, mailbox),
    offsetof(grove__annex, name), offsetof(grove__annex, label), offsetof(grove__cell, mailbox.own_byte),
    offsetof(grove__cell, tied), GROVE__TIED_ACTIVATIONS, offsetof(grove_class, name), offsetof(grove_method, name),
    offsetof(grove__activation, next), offsetof(grove__activation, worker),
    offsetof(grove__activation, strand), offsetof(grove__activation, method),
    offsetof(grove__worker, context), offsetof(grove__worker, place),
    offsetof(grove__strand, fiber), SWITCH_KIND};

// The script comes from any `grove *` by its second word to the runtime, and finds the table right behind that.
_Static_assert(offsetof(grove__system, debug) == 2 * sizeof(void *), "tools/gdb/grove_gdb.py");
_Static_assert(offsetof(struct grove, system) == sizeof(void *), "tools/gdb/grove_gdb.py");

const struct grove__debug *grove__debug_table(void)
{
  return &table;
}
