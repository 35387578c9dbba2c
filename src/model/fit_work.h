// What a fit does with the work it was handed: all slots optional, the struct as old as the caller.
#ifndef GROVE_MODEL_FIT_WORK_H
#define GROVE_MODEL_FIT_WORK_H
#include <grove/base.h>

/// How many chunks run at once; at least 1.
size_t grove__work_width(const grove_work *w);
/// Whether to give up. Also from chunks.
bool grove__work_cancelled(const grove_work *w);
/// Whether to end early and well. Also from chunks.
bool grove__work_expired(const grove_work *w);
/// Lets others run. Returns: GROVE_ECANCELED
grove_status grove__work_yield(const grove_work *w);
/// "done/all"
void grove__work_progress(const grove_work *w, size_t done, size_t all);
/// "done/all metric value"
void grove__work_report(
    const grove_work *w, size_t done, size_t all, const char *metric, double value);
/// Runs fn(user, i) for each i < n, in any order, `batch` for each thread between two yields: as many chunks as
/// take about a millisecond. A chunk that would not be worth a hand-over belongs into a larger one.
/// Returns: GROVE_ECANCELED: not all were run
grove_status grove__work_run(
    const grove_work *w, size_t n, size_t batch, void (*fn)(void *user, size_t i), void *user);
#endif
