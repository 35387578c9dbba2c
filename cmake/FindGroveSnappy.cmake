# GroveSnappy::snappy: the snappy codec through its C face. Debian ships it without a .pc file, and it is written
# in C++, so that a static link also wants the C++ library. Named after grove, to stay out of the way of a
# project that finds snappy for itself. Installed beside grove-config.cmake.
find_path(GROVE_SNAPPY_INCLUDE snappy-c.h)
find_library(GROVE_SNAPPY_LIBRARY snappy)
mark_as_advanced(GROVE_SNAPPY_INCLUDE GROVE_SNAPPY_LIBRARY)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(GroveSnappy REQUIRED_VARS GROVE_SNAPPY_LIBRARY GROVE_SNAPPY_INCLUDE)
if(GroveSnappy_FOUND AND NOT TARGET GroveSnappy::snappy)
  add_library(GroveSnappy::snappy UNKNOWN IMPORTED)
  set_target_properties(GroveSnappy::snappy PROPERTIES IMPORTED_LOCATION ${GROVE_SNAPPY_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${GROVE_SNAPPY_INCLUDE})
  if(GROVE_SNAPPY_LIBRARY MATCHES "\\.a$")
    set_property(TARGET GroveSnappy::snappy PROPERTY INTERFACE_LINK_LIBRARIES stdc++)
  endif()
endif()
