// Folders that jobs write to: who writes there, and what dead writers left behind.
#ifndef GROVE_STORE_FOLDER_H
#define GROVE_STORE_FOLDER_H
#include <grove/store.h>

/// Whether the url names something local.
bool grove__url_is_local(const char *url);
/// Makes a local folder this caller's until grove__folder_unlock, or until the process ends, however it does. *out: -1, if that
/// can't be (another scheme, no such folder, a file system without locks).
/// Returns: GROVE_EEXIST: another has it, in this process or in another; GROVE_EIO: its file can't be made or opened
grove_status grove__folder_lock(const char *url, int *out, grove_error *err);
/// Whether the lock's file is still there by its name. It is not once somebody took it away: then another may lock the folder, too.
/// -1: true.
bool grove__folder_holds(const char *url, int lock);
void grove__folder_unlock(const char *url, int lock); ///< -1: nothing
/// Makes a small local file that is not there yet. Nothing waits for the disk: after a power cut it may be gone, or empty.
/// Returns: GROVE_EEXIST: there is one, which stays
grove_status grove__folder_touch(const char *url, const char *text, size_t n, grove_error *err);
/// As grove_store_write, by the scheme's write_new (store.h).
grove_status grove__store_write_new(grove_store *s, const char *url, grove_writer **out, grove_error *err);
/// What the scheme's sweep does (store.h).
void grove__store_sweep(grove_store *s, const char *url);
/// Removes temporary files right in a local folder, of writers that died, on their way to files for whose names `ours` says so.
/// Another scheme, no such folder: nothing.
void grove__folder_sweep(const char *url, bool (*ours)(void *user, const char *name), void *user);
#endif
