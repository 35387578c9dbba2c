#include "model/fit_work.h"
#include "base/status.h"
#include <stdio.h>

size_t grove__work_width(const grove_work *w)
{
  return w && w->parallel_for && w->width > 1 ? w->width : 1;
}

bool grove__work_cancelled(const grove_work *w)
{
  return w && w->cancelled && w->cancelled(w->user);
}

bool grove__work_expired(const grove_work *w)
{
  return w && w->expired && w->expired(w->user);
}

grove_status grove__work_yield(const grove_work *w)
{
  if (w && w->yield) {
    GROVE__TRY(w->yield(w->user));
  }
  return grove__work_cancelled(w) ? GROVE_ECANCELED : GROVE_OK;
}

void grove__work_progress(const grove_work *w, size_t done, size_t all)
{
  char text[48];
  if (w && w->progress) {
    snprintf(text, sizeof text, "%zu/%zu", done, all);
    w->progress(w->user, all ? (double)done / (double)all : 1, text);
  }
}

void grove__work_report(
    const grove_work *w, size_t done, size_t all, const char *metric, double value)
{
  char text[96];
  if (w && w->progress) {
    snprintf(text, sizeof text, "%zu/%zu %s %.6g", done, all, metric, value);
    w->progress(w->user, all ? (double)done / (double)all : 1, text);
  }
}

struct slice {
  void (*fn)(void *user, size_t i);
  void *user;
  size_t from;
};

static void run_one(void *user, size_t i)
{
  struct slice *s = user;
  s->fn(s->user, s->from + i);
}

grove_status grove__work_run(
    const grove_work *w, size_t n, size_t batch, void (*fn)(void *user, size_t i), void *user)
{
  size_t width = grove__work_width(w), step = (batch ? batch : 1) * width;
  for (size_t from = 0; from < n; from += step) {
    size_t m = n - from < step ? n - from : step;
    if (width > 1 && m > 1) {
      struct slice s = {fn, user, from};
      w->parallel_for(w->user, m, run_one, &s);
    } else {
      for (size_t i = 0; i < m; i++) {
        fn(user, from + i);
      }
    }
    GROVE__TRY(grove__work_yield(w));
  }
  return GROVE_OK;
}
