// The metrics that there are, in one table: the text and the reference page come from it.
#ifndef GROVE_WATCH_METRICS_H
#define GROVE_WATCH_METRICS_H
#include "watch/emit.h"

/// The tables of docs/guide/metrics.md, in Markdown.
grove_status grove__metrics_reference(grove_write_fn *write, void *user);
#endif
