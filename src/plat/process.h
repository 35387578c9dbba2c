// Processes of our own making: started without fork's copy of a threaded program, ended, and waited for one by one. No
// signal of the host's is touched: SIGCHLD stays what it is.
#ifndef GROVE_PLAT_PROCESS_H
#define GROVE_PLAT_PROCESS_H
#include <sys/types.h>
#include "base/status.h"

enum { GROVE__PROCESS_FD = 3 }; ///< where a process that was started finds its end of the socket

typedef struct grove__process {
  int pid;
  int exit_fd; ///< readable when it has ended; -1: the kernel has none
} grove__process;
/// How it ended: by a signal (else 0), or with an exit code; known: false where the host ignores SIGCHLD, or waits for all.
typedef struct grove__process_end {
  bool known;
  int signal, code;
} grove__process_end;

/// Runs `program` with the arguments (NULL-ended, the program's name first) and this process's environment, which is not
/// looked at. It has stdin from /dev/null, our stdout and stderr, `fd` as GROVE__PROCESS_FD, and no signal blocked.
/// Returns: GROVE_EIO and the errno in *code
grove_status grove__process_start(
    const char *program, const char *const *argument, int fd, grove__process *out, int *code);
/// At once, and for good, with what it has started; nobody else, where the host has waited for it and its number is another's. Only
/// before grove__process_wait.
void grove__process_kill(const grove__process *p);
/// Whether it has ended. It is still to be waited for.
bool grove__process_has_ended(const grove__process *p);
/// Blocks until it has ended, and forgets it.
grove__process_end grove__process_wait(grove__process *p);
/// This one, at once, and what it has started, if it was started as above.
void grove__process_end_self(void);
/// "SIGSEGV"; static. NULL: it is none of those that end programs by themselves.
const char *grove__signal_name(int number);

/// The file that this process runs. Returns: GROVE_ENOTSUP: the system does not tell; GROVE_ELIMIT: it is longer
grove_status grove__process_program(char *out, size_t room);
/// Whether this process was started with that as its first argument. False, where the system does not tell.
bool grove__process_was_given(const char *argument);
/// Two connected ends, closed in programs that are started. Returns: GROVE_ELIMIT: no descriptor is left; GROVE_EIO
grove_status grove__socket_pair(int end[2]);
/// As write, but without SIGPIPE when nobody reads.
ssize_t grove__socket_write(int fd, const void *bytes, size_t n);
bool grove__set_nonblocking(int fd);
bool grove__set_cloexec(int fd);
/// Has stdin, stdout and stderr open: those that are not lead to /dev/null.
bool grove__open_standard(void);
/// Closes all descriptors from `first` on.
void grove__close_from(int first);
/// Most address space of this process from now on. Returns: GROVE_EIO: the system refuses
grove_status grove__limit_address_space(uint64_t bytes);
#endif
