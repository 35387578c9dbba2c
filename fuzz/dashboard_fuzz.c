// Any bytes as what a client of the dashboard sends: the library's parser, and all that stands behind it. The dashboard is
// served here, on this thread, over a socket pair. An answer that gives something must bear the headers that keep it
// from other sites, and a request that names no good host gets nothing.
#include "dash/dash.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool fact)
{
  if (!fact) {
    abort();
  }
}

static grove__dash *begin(void)
{
  static grove__dash d;
  static const char *const hosts[] = {"good.example", NULL};
  grove *g;
  grove_error err;
  require(grove_start(&(grove_options){GROVE_OPTIONS, .workers = 1}, &g) == GROVE_OK);
  d.memory = grove_runtime_allocator(g);
  d.g = g;
  d.actions = true;
  d.connections = 64;
  d.idle_ms = 1000;
  d.hosts = (char **)(uintptr_t)hosts;
  require(grove__listen("127.0.0.1:0", &d.listener, &err) == GROVE_OK);
  require(grove__history_init(&d.history, d.memory, 10) == GROVE_OK);
  require(grove_feed_open(g, NULL, &d.feed) == GROVE_OK);
  d.logs = grove__alloc_array(d.memory, GROVE__DASH_LOGS, sizeof *d.logs);
  require(d.logs && grove__dash_serve(&d, &err) == GROVE_OK);
  return &d;
}

static void check_answer(const char *answer, const char *request)
{
  if (strncmp(answer, "HTTP/1.", 7) != 0 || strlen(answer) < 12) {
    return;
  }
  int status = atoi(answer + 9);
  require(status >= 100 && status < 600);
  if (status < 300) {
    require(strstr(answer, "default-src 'none'") && strstr(answer, "nosniff") &&
            !strstr(answer, "Access-Control"));
    bool good = strcasestr(request, "localhost") || strcasestr(request, "good.example") ||
                strpbrk(request, "0123456789");
    require(good);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
  static grove__dash *d;
  static char answer[1 << 16], request[8192];
  d = d ? d : begin();
  if (bytes >= sizeof request) {
    return 0;
  }
  memcpy(request, data, bytes);
  request[bytes] = '\0';
  for (size_t i = 0; i < bytes; i++) {
    request[i] = request[i] ? request[i] : '.'; // to be looked through
  }
  int pair[2];
  struct sockaddr_in from = {.sin_family = AF_INET};
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
  require(MHD_add_connection(d->daemon, pair[0], (struct sockaddr *)&from, sizeof from) == MHD_YES);
  require(send(pair[1], data, bytes, MSG_NOSIGNAL) == (ssize_t)bytes);
  shutdown(pair[1], SHUT_WR);
  size_t used = 0;
  for (int turns = 0; turns < 40; turns++) {
    MHD_run(d->daemon);
    ssize_t n = recv(pair[1], answer + used, sizeof answer - 1 - used, 0);
    if (n == 0) {
      break;
    }
    used += n > 0 ? (size_t)n : 0;
    used = used < sizeof answer / 2 ? used : sizeof answer / 2; // its head is enough
    if (turns == 20) {
      grove__dash_streams_tell(d);
    }
  }
  answer[used] = '\0';
  close(pair[1]);
  for (int turns = 0; turns < 8; turns++) { // a stream notices when it is told something
    grove__dash_streams_tell(d);
    grove__dash_recording_look(d);
    MHD_run(d->daemon);
  }
  require(d->stream_count == 0);
  check_answer(answer, request);
  return 0;
}
