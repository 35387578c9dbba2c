// The parts of JSON documents, for grove_stats_json and for who serves them.
#ifndef GROVE_WATCH_DOCUMENTS_H
#define GROVE_WATCH_DOCUMENTS_H
#include "watch/emit.h"
#include "watch/reading.h"

/// "{", the schema and the moment; close it with grove__json_close(j, '}').
void grove__json_begin(grove__json *j, grove__emitter *e, int64_t now_ns);
void grove__json_runtime(grove__json *j, const grove_stats *s);
void grove__json_workers(grove__json *j, const grove__reading *r);
void grove__json_classes(grove__json *j, const grove__reading *r);
/// {"total","live","dead","offset","rows":[…]} under the key "actors".
void grove__json_actors(grove__json *j, const grove__reading *r);
void grove__json_actor(grove__json *j, const char *key, const grove_info *a);
void grove__json_deaths(
    grove__json *j, const grove_death *rows, size_t n, size_t total, int64_t now_ns);
/// "idle"; static.
const char *grove__phase_text(uint32_t phase);
/// False: there is no such phase.
bool grove__phase_of_text(const char *text, size_t n, uint32_t *phase);
#endif
