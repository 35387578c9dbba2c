# Install rules. One export set for each library, so that a consumer of the shared grove needs no libuv headers,
# and one of grove alone no codecs: grove-config.cmake loads what was asked for.
include(CMakePackageConfigHelpers)
set(grove_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/grove)

install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES tools/gdb/grove_gdb.py DESTINATION ${CMAKE_INSTALL_DATADIR}/grove)
get_property(grove_targets GLOBAL PROPERTY GROVE_TARGETS)
foreach(target IN LISTS grove_targets)
  install(TARGETS ${target} EXPORT ${target}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT ${target} NAMESPACE grove:: DESTINATION ${grove_cmake_dir}
    FILE grove-${target}.cmake)
endforeach()

configure_package_config_file(cmake/grove-config.cmake.in ${PROJECT_BINARY_DIR}/grove-config.cmake
  INSTALL_DESTINATION ${grove_cmake_dir} NO_SET_AND_CHECK_MACRO)
# 0.x: a minor release may change the interface, so 0.1 is no 0.2; from 1.0 on the major number decides.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(grove_compatibility SameMinorVersion)
else()
  set(grove_compatibility SameMajorVersion)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/grove-config-version.cmake
  COMPATIBILITY ${grove_compatibility})
install(FILES ${PROJECT_BINARY_DIR}/grove-config.cmake
  ${PROJECT_BINARY_DIR}/grove-config-version.cmake cmake/FindGroveSnappy.cmake
  DESTINATION ${grove_cmake_dir})

# grove_pc(NAME DESCRIPTION [REQUIRES text] [REQUIRES_PRIVATE text] [LIBS_PRIVATE text])
# With static libraries alone, what is private must be linked always.
function(grove_pc name description)
  cmake_parse_arguments(ARG "" "REQUIRES;REQUIRES_PRIVATE;LIBS_PRIVATE" "" ${ARGN})
  if(NOT TARGET ${name}_static AND NOT TARGET ${name}_shared)
    return()
  endif()
  set(pc_name ${name})
  set(pc_description ${description})
  set(pc_requires "${ARG_REQUIRES}")
  set(pc_libs "-l${name}")
  set(pc_requires_private "${ARG_REQUIRES_PRIVATE}")
  set(pc_libs_private "${ARG_LIBS_PRIVATE}")
  if(NOT TARGET ${name}_shared)
    if(pc_requires AND pc_requires_private)
      string(APPEND pc_requires ", ")
    endif()
    string(APPEND pc_requires "${pc_requires_private}")
    string(APPEND pc_libs " ${pc_libs_private}")
    set(pc_requires_private "")
    set(pc_libs_private "")
  endif()
  configure_file(cmake/grove.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
# Found from the .pc file's own place, so that an installed tree may be moved.
set(grove_pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH grove_pc_up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  set(grove_pc_prefix "\${pcfiledir}/${grove_pc_up}")
  string(REGEX REPLACE "/$" "" grove_pc_prefix "${grove_pc_prefix}")
endif()
foreach(dir IN ITEMS LIB INCLUDE)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}DIR}")
    set(grove_pc_${dir} ${CMAKE_INSTALL_${dir}DIR})
  else()
    set(grove_pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}DIR}")
  endif()
endforeach()
grove_pc(grove "An embeddable actor runtime for C"
  REQUIRES_PRIVATE "libuv >= 1.44" LIBS_PRIVATE "-pthread")
grove_pc(grove_watch "Metrics of grove as text and JSON"
  REQUIRES "grove = ${PROJECT_VERSION}" LIBS_PRIVATE "-lm")
grove_pc(grove_dashboard "A page in the browser that shows a grove at work"
  REQUIRES "grove_watch = ${PROJECT_VERSION}" REQUIRES_PRIVATE "libmicrohttpd >= 0.9.75" LIBS_PRIVATE "-pthread -lm")
grove_pc(grove_model "Tables, learners and training for grove"
  REQUIRES "grove = ${PROJECT_VERSION}" LIBS_PRIVATE "-lm")
grove_pc(grove_exchange "Models of XGBoost and LightGBM for grove"
  REQUIRES "grove_model = ${PROJECT_VERSION}" REQUIRES_PRIVATE "jansson >= 2.14" LIBS_PRIVATE "-lm")
# snappy has no .pc file everywhere, and is C++ inside.
set(grove_data_private "libzstd, zlib")
if(GROVE_LZ4_FOUND)
  string(APPEND grove_data_private ", liblz4")
endif()
if(GROVE_BROTLI_FOUND)
  string(APPEND grove_data_private ", libbrotlidec")
endif()
grove_pc(grove_data "Parquet, stores and batch prediction for grove"
  REQUIRES "grove_model = ${PROJECT_VERSION}" REQUIRES_PRIVATE "${grove_data_private}"
  LIBS_PRIVATE "-lsnappy -lstdc++ -lm")
grove_pc(grove_remote "Http and s3 for grove's stores"
  REQUIRES "grove_data = ${PROJECT_VERSION}" REQUIRES_PRIVATE "libcurl >= 7.85, expat" LIBS_PRIVATE "-pthread")
