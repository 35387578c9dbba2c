// The reference body of the inbox passes the same tests.
#if !defined(GROVE_LOCKED_QUEUES)
#define GROVE_LOCKED_QUEUES 1
#endif
#include "queue/inbox.c"
#include "inbox_test.c"
