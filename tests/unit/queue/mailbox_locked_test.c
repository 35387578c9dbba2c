// The reference, which does everything under the lock, passes the same tests.
#define GROVE_LOCKED_QUEUES 1
#include "queue/mailbox.c"
#include "mailbox_test.c"
