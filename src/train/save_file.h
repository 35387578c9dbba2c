// A fitted model into a file. This room may not use store/, so it has its own atomic write of one local file.
#ifndef GROVE_TRAIN_SAVE_FILE_H
#define GROVE_TRAIN_SAVE_FILE_H
#include <grove/train.h>

/// Writes folder/NAME.grove, on an offload thread; makes the folder. Readers see the old file or the new one.
/// Blocking: waits.
grove_status grove__model_save_in(
    grove *self, const grove_model *m, const char *folder, grove_error *err);
#endif
