// Rows by the value of a key, for who shares out groups among threads, or needs no order of the rows.
#ifndef GROVE_COLUMNAR_GROUPS_H
#define GROVE_COLUMNAR_GROUPS_H
#include <grove/columnar.h>

typedef struct grove__groups grove__groups;

/// The groups of a table, in the order of first sight. The table must stay. `out`: NULL on failure.
/// Returns: GROVE_ENOMEM; GROVE_EINVAL: no such column; GROVE_ENOTSUP: it is nested
grove_status grove__groups_find(
    const grove_table *t, size_t key_column, grove__groups **out, grove_error *err);
void grove__groups_free(grove__groups *g); ///< NULL: nothing
size_t grove__groups_count(const grove__groups *g);
uint64_t grove__groups_rows(const grove__groups *g, size_t i);
/// Where a group begins: in the table, if groups lie together there, else in the order, once it is made.
uint64_t grove__groups_from(const grove__groups *g, size_t i);
/// Whether the rows of each group follow each other in the table.
bool grove__groups_are_together(const grove__groups *g);
/// All rows of the table, groups side by side.
void grove__groups_order(grove__groups *g, uint64_t *order);
/// A copy of a key's text, for grove__free_text; from any thread. *text NULL: it is the group of nulls. Returns: GROVE_ENOMEM
grove_status grove__groups_key(
    const grove__groups *g, size_t i, const grove_allocator *a, char **text);
#endif
