#include "actor/message.h"

grove_status grove__message_create(
    grove__system *y, const grove_method *m, const void *arg, grove__message **out)
{
  size_t bytes;
  if (!grove__add(sizeof(grove__message), m ? m->arg->bytes : 0, &bytes)) {
    return GROVE_ENOMEM;
  }
  grove__message *x = grove__alloc(&y->allocator, bytes);
  if (!x) {
    return GROVE_ENOMEM;
  }
  *x = (grove__message){.method = m, .bytes = bytes};
  x->letter.bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
  x->letter.lane = m && (m->flags & GROVE_METHOD_HIGH) ? GROVE__LANE_HIGH : GROVE__LANE_NORMAL;
  grove_status s = m ? grove__value_copy(y, m->arg, x->argument, arg) : GROVE_OK;
  if (s) {
    grove__free(&y->allocator, x, bytes);
    return s;
  }
  *out = x;
  return GROVE_OK;
}

void grove__message_destroy(grove__system *y, grove__message *m)
{
  if (m->method) {
    grove__value_release(m->method->arg, m->argument);
  }
  grove__free(&y->allocator, m, m->bytes);
}
