// The reference, which does everything under the lock, passes the same tests.
#if !defined(GROVE_LOCKED_QUEUES)
#define GROVE_LOCKED_QUEUES 1
#endif
#include "queue/mailbox.c"
#include "queue/mailbox_take.c"
#include "mailbox_test.c"
