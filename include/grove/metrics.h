// grove/metrics.h: what watch.h tells, as text: Prometheus's exposition format, and JSON. Link grove_watch. No server:
// put it where your program speaks already. docs/guide/metrics.md lists every metric and every member.
//
//   static grove_status to_file(void *file, const char *bytes, size_t n)
//   { return fwrite(bytes, 1, n, file) == n ? GROVE_OK : GROVE_EIO; }
//   grove_status s = grove_metrics_text(g, NULL, to_file, stdout);
#ifndef GROVE_METRICS_H
#define GROVE_METRICS_H
#include <grove/runs.h>
GROVE_BEGIN
/// Takes the next piece of a text, borrowed. Called where the text was asked for. Anything but GROVE_OK ends that call
/// with it.
typedef grove_status grove_write_fn(void *user, const char *bytes, size_t n);

typedef struct grove_metrics_options {
  uint32_t struct_size;
  uint32_t actors;            ///< series of single actors for at most so many, the oldest first; default 0: none;
                              ///< at most GROVE_METRICS_ACTORS
  const char *class_name;     ///< of those, only actors of this class; NULL: any
} grove_metrics_options;
#define GROVE_METRICS .struct_size = (uint32_t)sizeof(grove_metrics_options)
enum { GROVE_METRICS_ACTORS = 10000 };
/// The metrics of a runtime in Prometheus's text format (version 0.0.4, UTF-8). Everything is read before the first
/// piece is written: a slow reader gets one moment, not many. Labels are classes and workers, so that the number of
/// series does not grow with the actors; classes of one name are one series.
/// Returns: GROVE_EINVAL  also for more actors than may be;  what `write` returned
GROVE_API GROVE_CHECK grove_status grove_metrics_text(grove *g, const grove_metrics_options *o, grove_write_fn *write, void *user);

/// Parts of the document of grove_stats_json, as bits.
enum { GROVE_JSON_RUNTIME = 1, GROVE_JSON_WORKERS = 2, GROVE_JSON_CLASSES = 4, GROVE_JSON_ACTORS = 8, GROVE_JSON_DEATHS = 16,
       GROVE_JSON_RUNS = 32, GROVE_JSON_ALL = 63 };
/// Of the documents. Members are only added within a schema; one that changes or goes makes the next.
enum { GROVE_JSON_SCHEMA = 1 };
typedef struct grove_stats_json_options {
  uint32_t struct_size;
  uint32_t parts;             ///< bits GROVE_JSON_*; 0: all
  uint32_t rows;              ///< most actors, and most deaths; 50; at most 1000
  uint32_t reserved;
  const grove_snapshot_options *actors; ///< which, in which order, from where; NULL: all that live, by spawning
} grove_stats_json_options;
#define GROVE_STATS_JSON .struct_size = (uint32_t)sizeof(grove_stats_json_options)
/// One JSON document, on one line, in UTF-8 (bytes of names that are none become U+FFFD). As above, all is read before
/// the first piece is written.
/// Returns: GROVE_EINVAL  also for too many rows, or an unknown part;  what `write` returned
GROVE_API GROVE_CHECK grove_status grove_stats_json(grove *g, const grove_stats_json_options *o, grove_write_fn *write, void *user);

typedef struct grove_run_json_options {
  uint32_t struct_size;
  uint32_t order;             ///< GROVE_RUN_BY_*
  uint64_t offset;            ///< items before the first
  uint32_t rows;              ///< most items; 50; at most 1000
  uint32_t reserved;
} grove_run_json_options;
#define GROVE_RUN_JSON .struct_size = (uint32_t)sizeof(grove_run_json_options)
/// One run with its items and their curves, likewise.
/// Returns: GROVE_EINVAL; GROVE_ENOENT: no such run, any more; what `write` returned
GROVE_API GROVE_CHECK grove_status grove_run_json(grove *g, uint64_t run, const grove_run_json_options *o, grove_write_fn *write, void *user);
GROVE_END
#endif
