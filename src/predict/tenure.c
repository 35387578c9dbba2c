// Local folders are locked, which ends with who holds it. Other stores have no locks: there a job writes its name down, and who
// finds another's there later gives up. So of two jobs the later goes on, and one that died is in nobody's way.
#include "predict/tenure.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/random.h"
#include "base/status.h"
#include "predict/manifest.h"
#include "store/folder.h"
#include "store/url.h"
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const grove_allocator *const memory = &grove__allocator_malloc;

static bool mark_url(const char *folder, char *out)
{
  return snprintf(out, GROVE__URL_ROOM, "%s/.grove-job", folder) < GROVE__URL_ROOM;
}

static void make_id(char *out)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t state = grove__mix64((uint64_t)now.tv_nsec ^ ((uint64_t)now.tv_sec << 30)) ^
                   grove__mix64((uint64_t)getpid()) ^ (uint64_t)(uintptr_t)out;
  uint64_t a = grove__random_next(&state), b = grove__random_next(&state);
  snprintf(out, GROVE__TENURE_ID, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
}

// ---- what is there --------------------------------------------------------------------------------

// Whether the job writes an object of that name: an output, a note or the manifest.
static bool is_ours(void *user, const char *name)
{
  const grove__tenure_wish *w = user;
  char output[GROVE__NAME_ROOM], note[GROVE__NAME_ROOM + 8];
  for (size_t i = 0; i < w->n_shards; i++) {
    if (!grove__shard_output_name(w->shards[i], w->form, output, sizeof output)) {
      continue;
    }
    snprintf(note, sizeof note, ".%s.done", output);
    if (!strcmp(name, output) || !strcmp(name, note)) {
      return true;
    }
  }
  return !strcmp(name, "manifest.json");
}

grove_status grove__tenure_manifest(grove_store *store, const char *notes, grove_error *err)
{
  static const char start[] = GROVE__MANIFEST_BEGINS;
  char url[GROVE__URL_ROOM], is[sizeof start] = "", shown[301];
  grove_source in = {.struct_size = sizeof in};
  grove_error why = {0};
  if (snprintf(url, sizeof url, "%s/manifest.json", notes) >= (int)sizeof url) {
    return GROVE_OK; // which is told of when it is written
  }
  grove_status s = grove_store_source(store, url, &in, &why);
  bool there = !s;
  s = s || in.bytes < sizeof start - 1 ? s : in.read_at(in.user, 0, is, sizeof start - 1, &why);
  if (there && in.close) {
    in.close(in.user);
  }
  grove__url_show(url, shown, 200);
  if (s && s != GROVE_ENOENT) { // not known to be a job's
    return grove__error(err, s == GROVE_EINVAL ? GROVE_EEXIST : s, -1, // of what is no file
        "\"%s\" can't be read, and may be somebody's: it wants %s, another folder, or force to write over it (%.170s)", shown,
        grove__wanted_right(url), why.text);
  }
  return s || !strcmp(is, start)
             ? GROVE_OK
             : grove__error(err, GROVE_EEXIST, -1,
                   "\"%s\" is there already, and is no manifest of a job: another folder is wanted, or force to write over it",
                   shown);
}

grove_status grove__tenure_begin(grove__tenure *t, const grove__tenure_wish *w, grove_error *err)
{
  const char *const folders[] = {w->folder, w->notes};
  bool same = w->folder && w->notes && (!strcmp(w->folder, w->notes) || grove__url_same(w->folder, w->notes));
  t->locks[0] = t->locks[1] = -1;
  for (size_t i = 0; i < 2; i++) {
    if (!folders[i] || (i && same)) {
      continue;
    }
    t->folders[i] = grove__copy_text(memory, folders[i]);
    if (!t->folders[i]) {
      return grove__error_memory(err, "a folder's name", strlen(folders[i]));
    }
    t->remote = t->remote || !grove__url_is_local(folders[i]);
    GROVE__TRY(grove__folder_lock(folders[i], &t->locks[i], err));
    if (t->locks[i] >= 0) {
      grove__folder_sweep(folders[i], is_ours, (void *)(uintptr_t)w);
    }
  }
  return w->notes && grove__url_is_local(w->notes) && !w->force ? grove__tenure_manifest(w->store, w->notes, err) : GROVE_OK;
}

grove_status grove__tenure_mark(grove__tenure *t, grove_store *store, const char *notes, bool force, grove_error *err)
{
  char url[GROVE__URL_ROOM];
  if (t->marked || !t->remote) {
    return GROVE_OK;
  }
  if (notes && !grove__url_is_local(notes) && !force) { // before: who is refused takes nobody's place
    GROVE__TRY(grove__tenure_manifest(store, notes, err));
  }
  make_id(t->id);
  for (size_t i = 0; i < 2; i++) {
    bool wanted = t->folders[i] && !grove__url_is_local(t->folders[i]) && mark_url(t->folders[i], url);
    GROVE__TRY(wanted ? grove__put_text(store, url, t->id, strlen(t->id), err) : GROVE_OK);
  }
  t->marked = true;
  return GROVE_OK;
}

// Whether the name that stands there is ours.
static grove_status check_mark(const grove__tenure *t, grove_store *store, const char *folder, grove_error *err)
{
  char url[GROVE__URL_ROOM], is[GROVE__TENURE_ID + 1];
  grove_error why = {0};
  size_t n;
  if (!mark_url(folder, url)) {
    return GROVE_OK; // then it was not written, either
  }
  grove_status s = grove__note_text(store, url, is, sizeof is, &n, &why);
  if (s == GROVE_ENOENT) {
    return grove__error(err, GROVE_EEXIST, -1,
        "this job's mark in \"%.200s\" (.grove-job) was taken away, so another may write there: it ends, and what is left to do is "
        "done by the same job, resumed",
        folder);
  }
  if (s && s != GROVE_ELIMIT) { // not known to be ours
    return grove__error(err, s, -1,
        "whether another job writes to \"%.150s\" can't be told, for .grove-job there can't be read: it wants the right to (%.170s)",
        folder, why.text);
  }
  return !s && !strcmp(is, t->id)
             ? GROVE_OK
             : grove__error(err, GROVE_EEXIST, -1,
                   "another job began to write to \"%.200s\" after this one, which leaves it alone and ends: wait for its end, or write "
                   "to another folder",
                   folder);
}

grove_status grove__tenure_check(const grove__tenure *t, grove_store *store, grove_error *err)
{
  for (size_t i = 0; i < 2; i++) {
    if (!t->folders[i]) {
      continue;
    }
    if (grove__url_is_local(t->folders[i])) {
      if (!grove__folder_holds(t->folders[i], t->locks[i])) {
        return grove__error(err, GROVE_EEXIST, -1,
            "this job's lock in \"%.200s\" (.grove-job.lock) was taken away, so another may write there: it ends, and what is left to do "
            "is done by the same job, resumed",
            t->folders[i]);
      }
    } else if (t->marked) {
      GROVE__TRY(check_mark(t, store, t->folders[i], err));
    }
  }
  return GROVE_OK;
}

void grove__tenure_end(grove__tenure *t)
{
  for (size_t i = 0; i < 2; i++) {
    if (t->folders[i]) {
      grove__folder_unlock(t->folders[i], t->locks[i]);
      grove__free_text(memory, t->folders[i]);
      t->folders[i] = NULL;
    }
  }
}
