// The folders that a job writes to are its own meanwhile, and what is there already is not written over unasked.
#ifndef GROVE_PREDICT_TENURE_H
#define GROVE_PREDICT_TENURE_H
#include "predict/output.h"

enum { GROVE__TENURE_ID = 33 };

/// Zero is none.
typedef struct grove__tenure {
  char *folders[2]; ///< of outputs and of notes
  int locks[2];     ///< of local ones; else -1
  bool remote;      ///< one of them is not local
  bool marked;      ///< that we are at work is written in those, under `id`
  char id[GROVE__TENURE_ID];
} grove__tenure;

/// What a job writes.
typedef struct grove__tenure_wish {
  grove_store *store;
  const char *folder, *notes; ///< NULL: none
  const char *const *shards;
  size_t n_shards;
  uint32_t form;
  bool force;
} grove__tenure_wish;

/// Takes the folders that are local, and away from there what dead writers of the same files left.
/// Returns: GROVE_EEXIST: another job has one of them, or a manifest is there that is none; the store's, or GROVE_EIO: that
/// can't be told
grove_status grove__tenure_begin(grove__tenure *t, const grove__tenure_wish *w, grove_error *err);
/// Takes the others, which waits for servers: before anything is written to them, once. Returns: as above
grove_status grove__tenure_mark(grove__tenure *t, grove_store *store, const char *notes, bool force, grove_error *err);
/// Whether a manifest may be written to that folder: what is there under its name is one. Asked by both above, and once more before
/// it is written. Returns: GROVE_EEXIST: it is none; the store's: it can't be read
grove_status grove__tenure_manifest(grove_store *store, const char *notes, grove_error *err);
/// Asked before a shard is begun, which takes away what the dead left of it, and before something becomes visible.
/// Returns: GROVE_EEXIST: a job that began later writes to the same folder, or may, for our lock or mark was taken away; the store's: that
/// can't be told
grove_status grove__tenure_check(const grove__tenure *t, grove_store *store, grove_error *err);
void grove__tenure_end(grove__tenure *t); ///< ended: nothing
#endif
