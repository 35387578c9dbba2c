// grove/version.h: the version, written once; CMake reads it from here.
#ifndef GROVE_VERSION_H
#define GROVE_VERSION_H
#define GROVE_VERSION_MAJOR 0
#define GROVE_VERSION_MINOR 1
#define GROVE_VERSION_PATCH 0
#define GROVE_VERSION_TEXT "0.1.0"
#endif
