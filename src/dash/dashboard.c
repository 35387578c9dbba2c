// The dashboard as an actor. It does nothing as one: what it holds, its start argument, is the server, which ends when
// its last count goes. So whatever ends the actor (the runtime's end, its parent's, grove_exit) ends the thread before
// anybody is told that the actor is gone, and before the runtime can be.
#include "base/options.h"
#include "dash/dash.h"
#include <grove/call.h>
#include <stdio.h>

enum {
  IDLE_MS = 15000,
  CONNECTIONS = 256,
  CONNECTIONS_LEAST = 8,
  CONNECTIONS_MOST = 4096,
  HISTORY = 3600,
  HISTORY_MOST = 86400
};

/// The start argument.
typedef struct held {
  grove_shared dash;
} held;

static void free_hosts(grove__dash *d)
{
  for (size_t i = 0; i < d->host_count; i++) {
    grove__free_text(d->memory, d->hosts[i]);
  }
  grove__free(d->memory, d->hosts, (d->host_count + 1) * sizeof *d->hosts);
}

static void destroy_dash(void *dash, void *user)
{
  grove__dash *d = dash;
  (void)user;
  if (grove__dash_close(d)) {
    grove_feed_close(d->feed); // the thread has, if there was one
  }
  grove__history_deinit(&d->history, d->memory);
  grove__free(d->memory, d->logs, GROVE__DASH_LOGS * sizeof *d->logs);
  free_hosts(d);
  grove__free(d->memory, d, sizeof *d);
}

// ---- the actor -------------------------------------------------------------------------------------------------

static grove_status start_dashboard(grove *self, void *state, const void *arg, void *reply)
{
  grove__dash *d = (grove__dash *)(uintptr_t)((const held *)arg)->dash.ptr;
  (void)state, (void)reply;
  grove_status s = grove__dash_run(d);
  return s ? grove_crash(self, s, "the dashboard has no thread to serve on") : GROVE_OK;
}

static const uint16_t held_offset[] = {offsetof(held, dash)};
static const grove_type held_type = {.struct_size = sizeof held_type,
    .bytes = sizeof(held),
    .name = "grove_dashboard",
    .holds = 1,
    .hold_offset = held_offset};
static const grove_method *const no_methods[] = {NULL};
static const grove_class dashboard_class = {.struct_size = sizeof dashboard_class,
    .state_bytes = 1,
    .name = "grove.dashboard",
    .start_arg = &held_type,
    .methods = no_methods,
    .start = start_dashboard};

// ---- beginning -----------------------------------------------------------------------------------------------------

static grove_status copy_hosts(grove__dash *d, const char *const *hosts)
{
  size_t n = 0;
  while (hosts && hosts[n]) {
    n++;
  }
  if (!n) {
    return GROVE_OK;
  }
  d->hosts = grove__alloc_zero(d->memory, (n + 1) * sizeof *d->hosts);
  if (!d->hosts) {
    return GROVE_ENOMEM;
  }
  d->host_count = n;
  for (size_t i = 0; i < n; i++) {
    d->hosts[i] = grove__copy_text(d->memory, hosts[i]);
    if (!d->hosts[i]) {
      return GROVE_ENOMEM;
    }
  }
  return GROVE_OK;
}

static grove_status take_token(grove__dash *d, const char *token, grove_error *err)
{
  if (token && !grove__guard_is_token(token)) {
    return grove__error(err, GROVE_EINVAL, -1,
        "the token has %zu bytes; %d to %d of A-Z a-z 0-9 - _ are wanted", strlen(token),
        (int)GROVE__TOKEN_LEAST, (int)GROVE__TOKEN_MOST);
  }
  if (token) {
    memcpy(d->token, token, strlen(token) + 1);
    return GROVE_OK;
  }
  if (d->listener.is_loopback) {
    return GROVE_OK;
  }
  grove_status s = grove__guard_make_token(d->token);
  return s ? grove__error(err, s, -1, "the system gives no random bytes for a token; set one")
           : GROVE_OK;
}

static grove_status fill(grove__dash *d, const grove_dashboard_options *o, grove_error *err)
{
  GROVE__TRY(grove__listen(o->address, &d->listener, err));
  GROVE__TRY(take_token(d, o->token, err));
  d->actions = o->actions != 0;
  d->connections = o->connections ? o->connections : CONNECTIONS;
  d->idle_ms = o->idle_ms ? o->idle_ms : IDLE_MS;
  snprintf(d->cookie, sizeof d->cookie, "grove-dashboard-%u", (unsigned)d->listener.port);
  size_t seconds = o->history_seconds ? o->history_seconds : HISTORY;
  grove_feed_options feed = {GROVE_FEED, .events = GROVE_EVENTS_ALL};
  grove_status s = copy_hosts(d, o->hosts);
  s = s ? s : grove__history_init(&d->history, d->memory, seconds);
  s = s ? s : grove_feed_open(d->g, &feed, &d->feed);
  if (!s) {
    d->logs = grove__alloc_array(d->memory, GROVE__DASH_LOGS, sizeof *d->logs);
    s = d->logs ? GROVE_OK : GROVE_ENOMEM;
  }
  if (s == GROVE_ENOMEM) {
    return grove__error_memory(err, "the dashboard's history", seconds * sizeof(grove__sample));
  }
  if (s) {
    return grove__error(err, s, -1, "the dashboard can't watch: %s", grove_status_text(s));
  }
  return grove__dash_serve(d, err);
}

static void put_url(const grove__dash *d, grove_dashboard *out)
{
  bool any = strcmp(d->listener.where, "0.0.0.0") == 0 || strcmp(d->listener.where, "[::]") == 0;
  if (d->listener.port == 0) {
    snprintf(out->url, sizeof out->url, "unix:%s", d->listener.where);
    return;
  }
  snprintf(out->url, sizeof out->url, "http://%s:%u/%s%s", any ? "127.0.0.1" : d->listener.where,
      (unsigned)d->listener.port, d->token[0] ? "?token=" : "", d->token);
}

// Begins the actor that holds it. The caller's own count is given back by the caller.
static grove_status begin_actor(grove *g, grove_shared dash, grove_ref *out, grove_error *err)
{
  held arg = {.dash = dash};
  grove_ref who = grove_spawn(
      g, &dashboard_class, &arg, &(grove_spawn_options){GROVE_SPAWN, .label = "dashboard"});
  grove_error words;
  grove_status s = grove_get(g, grove_ready(g, who), GROVE_FOREVER, NULL, 0, &words);
  if (s) {
    (void)grove_exit(g, who, 0); // if it waits was not ended by its own end
    return grove__error(err, s, -1, "the dashboard does not start: %.300s", words.text);
  }
  *out = who;
  return GROVE_OK;
}

static grove_status check(
    grove *g, const grove_dashboard_options *o, grove_dashboard *out, grove_error *err)
{
  grove_stats stats = {.struct_size = sizeof stats};
  if (!out || out->struct_size < offsetof(grove_dashboard, url)) {
    return grove__error(err, GROVE_EINVAL, -1, "grove_dashboard's struct_size is not set");
  }
  grove_status s = grove_stats_get(g, &stats);
  if (s) {
    return grove__error(err, s, -1, "%s", grove_status_text(s));
  }
  if (stats.simulated) {
    return grove__error(err, GROVE_ENOTSUP, -1,
        "a simulation has one thread, and no other may look at it: there is no dashboard");
  }
  if ((o->connections && o->connections < CONNECTIONS_LEAST) || o->connections > CONNECTIONS_MOST) {
    return grove__error(err, GROVE_EINVAL, -1, "connections is %u; it can be %d to %d",
        (unsigned)o->connections, (int)CONNECTIONS_LEAST, (int)CONNECTIONS_MOST);
  }
  if (o->history_seconds > HISTORY_MOST) {
    return grove__error(err, GROVE_EINVAL, -1, "history_seconds is %u; it can be %d",
        (unsigned)o->history_seconds, (int)HISTORY_MOST);
  }
  return GROVE_OK;
}

grove_status grove_dashboard_start(
    grove *g, const grove_dashboard_options *options, grove_dashboard *out, grove_error *err)
{
  grove_dashboard_options o;
  grove_shared shared;
  grove_status s = grove__options_read(&o, sizeof o, options);
  if (s) {
    return grove__error(err, s, -1, "options of the dashboard: %s", grove_status_text(s));
  }
  GROVE__TRY(check(g, &o, out, err));
  const grove_allocator *a = grove_runtime_allocator(g);
  grove__dash *d = grove__alloc_zero(a, sizeof *d);
  if (!d) {
    return grove__error_memory(err, "the dashboard", sizeof *d);
  }
  d->memory = a;
  d->g = grove_runtime(g);
  d->listener.fd = -1;
  s = fill(d, &o, err);
  if (!s) {
    s = grove_share(g, d, 0, destroy_dash, NULL, &shared);
    s = s ? grove__error(err, s, -1, "%s", grove_status_text(s)) : GROVE_OK;
  }
  if (s) {
    destroy_dash(d, NULL);
    return s;
  }
  grove_dashboard full = {.port = d->listener.port};
  put_url(d, &full);
  s = begin_actor(g, shared, &full.ref, err);
  grove_release(shared);
  return s ? s : grove__stats_write(out, sizeof full, &full);
}

grove_status grove_dashboard_stop(grove *g, grove_ref dashboard)
{
  return grove_get(g, grove_exit(g, dashboard, 0), GROVE_FOREVER, NULL, 0, NULL);
}
