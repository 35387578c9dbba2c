// The reference body of the deque passes the same tests.
#if !defined(GROVE_LOCKED_QUEUES)
#define GROVE_LOCKED_QUEUES 1
#endif
#include "queue/deque.c"
#include "queue/run_queue.c"
#include "run_queue_test.c"
