# grove_test(NAME unit.room.file SOURCES file... [LIBS lib...] [ROOMS room...] [TIMEOUT s]
#            [LABELS label...] [ARGS arg...] [ON_LOOP] [ON_LOOP_ARGS arg...])
# One test executable, registered with CTest as grove.room.file (a leading "unit." is dropped; other kinds keep
# theirs: stress.room.file is grove.stress.room.file).
#   LIBS     what to link beside cmocka; default: every grove library there is, static, so that a test can
#            look at internal names
#   ROOMS    rooms that the test looks into; said for the reader. A test that names a room which is not
#            built (grove_data is off) is left out
#   TIMEOUT  seconds, default 60; sanitizers get five times that
#   LABELS   default "quick"; "slow": in .ci/run alone; "soak": in scripts/soak alone
#   ARGS     command line
#   ON_LOOP  the same test once more, as NAME.on_loop, with the workers of its runtimes on a host's uv_queue_work: a second
#            executable of the same sources, behind tests/support/executor.h; ON_LOOP_ARGS: its command line
# Tests say #include "room/file.h" for src/, <grove/...> for the contract and "check.h" for tests/support.
# Exit code 77 is a skip.
set(grove_test_libs "")
foreach(lib IN ITEMS grove_remote grove_exchange grove_data grove_model grove_dashboard grove_watch grove)
  if(TARGET ${lib}_static)
    list(APPEND grove_test_libs ${lib}_static)
  endif()
endforeach()
set(grove_test_slowness 1)
if(NOT GROVE_SANITIZER STREQUAL "none")
  set(grove_test_slowness 5)
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(GROVE_CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# grove_test_defaults(NAME [TIMEOUT s] [LABELS label...]): the properties that every registered test has.
function(grove_test_defaults name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS quick)
  endif()
  math(EXPR timeout "${ARG_TIMEOUT} * ${grove_test_slowness}")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS "${ARG_LABELS}"
    SKIP_RETURN_CODE 77)
endfunction()

# One executable (test_NAME, dots as underscores) and its entry in CTest: grove.NAME, with SUFFIX behind both.
function(grove_test_executable name suffix sources libs args)
  string(REPLACE "." "_" target "test_${name}${suffix}")
  add_executable(${target} ${sources})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests/support)
  target_compile_definitions(${target} PRIVATE GROVE_DATA_DIR="${GROVE_DATA_DIR}"
    GROVE_TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data")
  target_link_libraries(${target} PRIVATE grove_flags ${libs} PkgConfig::GROVE_CMOCKA
    PkgConfig::GROVE_UV Threads::Threads m)
  set_target_properties(${target} PROPERTIES C_EXTENSIONS OFF
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  string(REGEX REPLACE "^unit\\." "" short "${name}")
  add_test(NAME grove.${short}${suffix} COMMAND ${target} ${args})
endfunction()

function(grove_test)
  cmake_parse_arguments(ARG "ON_LOOP" "NAME;TIMEOUT" "SOURCES;LIBS;ROOMS;LABELS;ARGS;ON_LOOP_ARGS" ${ARGN})
  if(NOT ARG_NAME OR NOT ARG_SOURCES OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "grove_test wants NAME and SOURCES; it does not know \"${ARG_UNPARSED_ARGUMENTS}\"")
  endif()
  foreach(room IN LISTS ARG_ROOMS)
    if(NOT TARGET grove_room_${room})
      message(STATUS "test ${ARG_NAME} is left out: the room ${room} is not built")
      return()
    endif()
  endforeach()
  if(NOT ARG_LIBS)
    set(ARG_LIBS ${grove_test_libs})
  endif()
  grove_test_executable("${ARG_NAME}" "" "${ARG_SOURCES}" "${ARG_LIBS}" "${ARG_ARGS}")
  string(REGEX REPLACE "^unit\\." "" short "${ARG_NAME}")
  grove_test_defaults(grove.${short} TIMEOUT ${ARG_TIMEOUT} LABELS ${ARG_LABELS})
  if(ARG_ON_LOOP)
    grove_test_executable("${ARG_NAME}" ".on_loop" "${ARG_SOURCES}" "${ARG_LIBS}" "${ARG_ON_LOOP_ARGS}")
    string(REPLACE "." "_" on_loop "test_${ARG_NAME}.on_loop")
    target_compile_options(${on_loop} PRIVATE -include ${PROJECT_SOURCE_DIR}/tests/support/executor.h)
    grove_test_defaults(grove.${short}.on_loop TIMEOUT ${ARG_TIMEOUT} LABELS ${ARG_LABELS})
  endif()
endfunction()
