#include "plat/budget.h"
#include "base/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define PATH_BYTES 4096
// The period where a file names none.
#define USUAL_PERIOD_US 100000

// What is being searched: the threads that the narrowest quota so far allows.
typedef struct search {
  const char *root;
  uint64_t threads; // UINT64_MAX: no quota
  char path[PATH_BYTES * 2];
} search;

// Fills `text` with the beginning of ROOT/sys/fs/cgroup/MOUNT/GROUP/FILE. Not there or not readable: false.
static bool read_file(
    search *s, const char *mount, const char *group, const char *file, char text[64])
{
  int n =
      snprintf(s->path, sizeof(s->path), "%s/sys/fs/cgroup/%s%s/%s", s->root, mount, group, file);
  if (n < 0 || (size_t)n >= sizeof(s->path)) {
    return false;
  }
  FILE *f = fopen(s->path, "re");
  if (!f) {
    return false;
  }
  size_t got = fread(text, 1, 63, f);
  text[got] = 0;
  (void)fclose(f);
  return got > 0;
}

// A number at *text, which is moved behind it. "max", -1 and what is no number: false.
static bool read_number(const char **text, uint64_t *out)
{
  char *end;
  while (**text == ' ') {
    ++*text;
  }
  if (**text < '0' || **text > '9') {
    return false;
  }
  *out = strtoull(*text, &end, 10);
  *text = end;
  return true;
}

static void note_quota(search *s, uint64_t quota, uint64_t period)
{
  if (quota == 0 || period == 0) {
    return;
  }
  uint64_t threads = quota / period + (quota % period != 0);
  if (threads < s->threads) {
    s->threads = threads;
  }
}

// v2: "QUOTA PERIOD" or "max PERIOD".
static void look_v2(search *s, const char *mount, const char *group)
{
  char text[64];
  uint64_t quota;
  if (!read_file(s, mount, group, "cpu.max", text)) {
    return;
  }
  const char *at = text;
  if (read_number(&at, &quota)) {
    uint64_t period = USUAL_PERIOD_US;
    (void)read_number(&at, &period);
    note_quota(s, quota, period);
  }
}

// v1: two files; a quota of -1 is none.
static void look_v1(search *s, const char *mount, const char *group)
{
  char text[64];
  uint64_t quota;
  if (!read_file(s, mount, group, "cpu.cfs_quota_us", text)) {
    return;
  }
  const char *at = text;
  if (read_number(&at, &quota)) {
    uint64_t period = USUAL_PERIOD_US;
    if (read_file(s, mount, group, "cpu.cfs_period_us", text)) {
      at = text;
      (void)read_number(&at, &period);
    }
    note_quota(s, quota, period);
  }
}

// Looks at the group and all above it: each may be narrower than those below. A container often sees only its own
// group, mounted as the root, while its path is the host's; then all but the last are missing.
static void climb(search *s, const char *mount, char *group,
    void (*look)(search *s, const char *mount, const char *group))
{
  if (strstr(group, "/..")) {
    group[0] = 0; // outside of what this namespace shows
  }
  for (;;) {
    size_t n = strlen(group);
    while (n && group[n - 1] == '/') {
      group[--n] = 0;
    }
    look(s, mount, group);
    char *slash = strrchr(group, '/');
    if (!slash) {
      return;
    }
    *slash = 0;
  }
}

static bool lists_cpu(const char *controllers)
{
  for (const char *at = controllers; at; at = strchr(at, ',')) {
    at += *at == ',';
    if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == 0)) {
      return true;
    }
  }
  return false;
}

// One line of /proc/self/cgroup: "ID:CONTROLLERS:GROUP".
static void look_line(search *s, char *line)
{
  line[strcspn(line, "\n")] = 0;
  char *controllers = strchr(line, ':');
  char *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group || group[1] != '/') {
    return;
  }
  *controllers++ = 0;
  *group++ = 0;
  if (strcmp(line, "0") == 0 && !*controllers) {
    climb(s, "", group, look_v2);
  } else if (lists_cpu(controllers)) {
    char copy[PATH_BYTES];
    (void)snprintf(copy, sizeof(copy), "%s", group);
    climb(s, "cpu", copy, look_v1);
    if (strcmp(controllers, "cpu") != 0) {
      climb(s, controllers, group, look_v1);
    }
  }
}

uint32_t grove__cpu_budget_at(const char *root, uint32_t affinity)
{
  search s = {.root = root, .threads = UINT64_MAX};
  char line[PATH_BYTES];
  (void)snprintf(line, sizeof(line), "%s/proc/self/cgroup", root);
  FILE *f = fopen(line, "re");
  if (f) {
    for (bool begins = true; fgets(line, sizeof(line), f);) {
      bool ends = strchr(line, '\n') || feof(f);
      if (begins && ends) { // a longer one is no path that could be opened
        look_line(&s, line);
      }
      begins = ends;
    }
    (void)fclose(f);
  }
  uint64_t threads = affinity < s.threads ? affinity : s.threads;
  return threads ? (uint32_t)threads : 1;
}

uint32_t grove__cpu_budget(void)
{
  return grove__cpu_budget_at("", uv_available_parallelism());
}
