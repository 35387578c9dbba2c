// A host's uv_loop_t: running workers on its thread pool, and calling back on its thread.
#ifndef GROVE_PLAT_LOOP_H
#define GROVE_PLAT_LOOP_H
#include "base/status.h"
struct uv_loop_s;

/// Workers as work items of a host loop's thread pool (uv_queue_work). Made and closed on the loop's thread.
/// What it owns lives until the loop has closed its handle and given back every item, which may be after close:
/// `freed(user)` runs then, once, on the loop's thread, in a turn of the loop after close.
/// What a run was promised runs, also if close comes first. No call to w may last longer than until freed.
typedef struct grove__work_loop grove__work_loop;
grove_status grove__work_loop_create(const grove_allocator *a, struct uv_loop_s *loop,
    void (*freed)(void *user), void *user, grove__work_loop **out);
void grove__work_loop_close(grove__work_loop *w);
/// Takes memory for `n` runs ahead, as far as there is some: so many that are not over don't fail for want of it. One is over when
/// the loop has seen so; its memory is for the next.
void grove__work_loop_reserve(grove__work_loop *w, size_t n);
/// Runs run(user) once on the pool. From any thread: on the loop's thread at once, else through an async handle
/// that the loop must be running to see. The async handle does not keep the loop alive.
/// Returns: GROVE_ENOMEM; GROVE_ECLOSED: after close
grove_status grove__work_loop_run(grove__work_loop *w, void (*run)(void *user), void *user);
/// Whether this is the loop's thread; there, a blocked caller must call pump now and then, because the loop
/// itself does not run: it submits what other threads have asked for.
bool grove__work_loop_is_here(const grove__work_loop *w);
void grove__work_loop_pump(grove__work_loop *w);
/// Called (from any thread) whenever a run was asked for that only pump or the loop can submit; NULL: nobody.
/// No lock is held then, so a call may still be under way when this function returns. What was asked for before is
/// not told: pump once after setting it.
void grove__work_loop_on_request(grove__work_loop *w, void (*requested)(void *user), void *user);

/// grove_uv_attach: watches a descriptor on a host's loop and calls ready(user) on its thread when it is readable.
/// keep(true) makes it keep the loop alive (at first it does not). Ended by close; freed(user) when the loop has
/// let go. All on the loop's thread. ready is called in each turn of the loop as long as there is something to read.
/// Returns: GROVE_EEXIST: the loop watches this descriptor already; GROVE_EINVAL: it can't be watched; GROVE_EIO
typedef struct grove__watcher grove__watcher;
grove_status grove__watcher_create(const grove_allocator *a, struct uv_loop_s *loop, int fd,
    void (*ready)(void *user), void (*freed)(void *user), void *user, grove__watcher **out);
void grove__watcher_keep(grove__watcher *w, bool keep);
void grove__watcher_close(grove__watcher *w);
#endif
