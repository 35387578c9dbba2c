// grove/isolated.h: actors that live in a process of their own, for code that may write where it should not.
//
// A thread can't survive a wild write, nor can its process. An isolated actor is handled as any other: the same class, messages,
// futures, supervision; but its methods run in a child process, and when that crashes, its runtime hears that an actor
// died, with the signal in the words, and its parent's policy decides. The child is the same program, started anew:
//
//   int main(int argc, char **argv)
//   {
//     static const grove_class *const isolated[] = {&parser_class, NULL};
//     int code;
//     if (grove_isolated_main(argc, argv, isolated, NULL, &code)) {   // first of all
//       return code;
//     }
//     ...
//     parser_ref p = {grove_isolated_spawn(g, &parser_class, &arg, &(grove_spawn_options){GROVE_SPAWN, .restart = GROVE_TRANSIENT}, NULL)};
//
// What crosses is copied: types must be GROVE_TYPE_PLAIN, GROVE_TYPE_FLAT (strings and lists are), or have encode and decode. An address means
// nothing on the other side: a message may carry one, but the actor can't send to it. In the child the actor has a runtime of its own,
// with its own workers, timers, offload threads, children.
//
// A call costs some 60 us more than one between threads, a start what the program costs to start: 1.5 ms for a small one.
#ifndef GROVE_ISOLATED_H
#define GROVE_ISOLATED_H
#include <grove/actor.h>
GROVE_BEGIN

/// Zero is the default in all.
typedef struct grove_isolated_options {
  uint32_t struct_size;
  uint32_t start_ms;          ///< for the process to start, and the actor's start in it; 10000
  const char *program;        ///< whose main calls grove_isolated_main with the class; default: this process's
  uint64_t message_bytes;     ///< most bytes of a message or a reply; 64 MiB
  uint64_t address_bytes;     ///< most address space of the process (RLIMIT_AS), its stacks and libraries included; default none
} grove_isolated_options;
#define GROVE_ISOLATED .struct_size = (uint32_t)sizeof(grove_isolated_options)

/// As grove_spawn, in a process of its own. Messages of `c` are sent to the address that it gives.
///
/// What holds of all actors holds of it: order, lanes, cancels, deadlines, restarts, monitors, links, stop in order or by force. In
/// particular: a process that ends, however it does, is a failure of the actor, with GROVE_EDEAD and words that name signal or exit
/// code; what was at hand ends so, what is in the mailbox waits for the restart; an actor that is given up, by force or past
/// its deadline, never is stuck, for its process is ended with SIGKILL, and all that it had started; the process ends when the host
/// does, however that ends, 4 s later at most where its own exit hangs. grove_crash, grove_exit, grove_state and grove_log of
/// the actor have their effect here. An end in order reaches it behind what has crossed.
/// What is different: 64 messages are at most on the way or in work there, the others wait here, in a mailbox of 65,535 that fails when
/// it is full; the mailbox of `c` is that of the other side. Allocators, names, links and children over there are
/// those of its runtime. A crash in it loses its state, as every restart does.
/// In simulation it is spawned in this process, as by grove_spawn.
///
/// Ownership: as grove_spawn; o->program is copied. `c` and its types must stay as any class.
/// Returns:   as grove_spawn. The address carries GROVE_ENOTSUP: a type of `c` can't cross, or c->methods is NULL; this process is itself
///            an actor's home, or was to be one and its main did not call grove_isolated_main first; GROVE_EINVAL: stands_for is set. What
///            fails later fails the actor's start: GROVE_EIO: the program can't be started; GROVE_ENOTSUP: it knows no such class,
///            or is of another version; GROVE_ETIMEDOUT: start_ms
GROVE_API GROVE_CHECK grove_ref grove_isolated_spawn(grove *g, const grove_class *c, const void *arg, const grove_spawn_options *o, const grove_isolated_options *i);

/// To be called first in main. In a process that was started for an isolated actor: closes descriptors that it should not have
/// inherited, runs a runtime with that actor until it has ended or the host is gone, and gives true; then main returns *code. In every
/// other process: false, and nothing was done.
///
/// `classes`: NULL-ended, those that may live here. `o`: of the runtime there; lines of its log go to the host's, no function of `o`
/// is called but its allocator's, and `simulate` and `work_loop` mean nothing here. NULL: defaults.
/// Blocking:  as long as the actor lives.
GROVE_API GROVE_CHECK bool grove_isolated_main(int argc, char *const *argv, const grove_class *const *classes, const grove_options *o, int *code);
GROVE_END
#endif
