// What the tests of the dashboard share: one on the rig's runtime, on any port, and its documents.
#ifndef GROVE_TESTS_DASH_RIG_H
#define GROVE_TESTS_DASH_RIG_H
#include "actors.h"
#include "http_client.h"
#include "json_at.h"
#include <grove/dashboard.h>

GROVE_MAYBE_UNUSED static grove_dashboard dash_start(grove *g, grove_dashboard_options o)
{
  grove_dashboard d = {.struct_size = sizeof d};
  grove_error err;
  o.struct_size = sizeof o;
  o.address = o.address ? o.address : "127.0.0.1:0";
  check_ok_err(grove_dashboard_start(g, &o, &d, &err), &err);
  return d;
}

/// The status of an answer, whose body is thrown away.
GROVE_MAYBE_UNUSED static int dash_status(
    unsigned port, const char *method, const char *target, const char *lines)
{
  http_answer a = http_ask(port, method, target, lines);
  http_free(&a);
  return a.status;
}

GROVE_MAYBE_UNUSED static json_t *dash_document(unsigned port, const char *target)
{
  http_answer a = http_ask(port, "GET", target, NULL);
  json_error_t e;
  if (a.status != 200) {
    print_error("%s: %d %s\n", target, a.status, a.body);
    fail();
  }
  json_t *d = json_loads(a.body, JSON_REJECT_DUPLICATES, &e);
  if (!d) {
    print_error("%s: %s in %s\n", target, e.text, a.body);
    fail();
  }
  http_free(&a);
  assert_int_equal(json_integer_value(json_object_get(d, "schema")), 1);
  return d;
}

#define dash_number(D, PATH) json_integer_value(json_at(D, PATH))
#define dash_text(D, PATH) json_string_value(json_at(D, PATH))
#endif
