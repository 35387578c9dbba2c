# Building for 64-bit ARM on another machine, and running the tests there under qemu-user:
#   cmake -B build/arm -G Ninja --toolchain cmake/aarch64-linux-gnu.cmake -DGROVE_ARM_ROOT=ROOT
# ROOT has the target's libraries and headers below usr/, as Debian's arm64 packages unpack.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GROVE_ARM_ROOT)
set(grove_arm_lib ${GROVE_ARM_ROOT}/usr/lib/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${GROVE_ARM_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${GROVE_ARM_ROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${grove_arm_lib}/pkgconfig)
set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,-rpath-link,${grove_arm_lib})
set(CMAKE_SHARED_LINKER_FLAGS_INIT -Wl,-rpath-link,${grove_arm_lib})
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=${grove_arm_lib})
