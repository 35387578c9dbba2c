// What the core is about to declare itself.
#ifndef GROVE_POOL_NEEDS_H
#define GROVE_POOL_NEEDS_H
#include <grove/call.h>
grove_status grove_promise_fail(grove *g, grove_promise p, const grove_error *err);
grove *grove_runtime(grove *g);
const grove_allocator *grove__allocator(grove *g);
bool grove_promise_wanted(grove *g, grove_promise p);
void grove_promise_follow(grove *self, grove_promise p, grove_future f);
#endif
