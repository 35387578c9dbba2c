# grove_room(NAME SOURCES file... [ROOMS room...] [LIBS lib...])
# One room of src/ as an object library. A room sees the public headers and the rooms it names, nothing
# else: its include path is a folder of links to just those, so that a forbidden include does not compile.
# Sources say #include "room/file.h".
function(grove_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ROOMS;LIBS" ${ARGN})
  set(view ${PROJECT_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${view})
  foreach(room IN LISTS ARG_ROOMS ITEMS ${name})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${room} ${view}/${room} SYMBOLIC)
  endforeach()
  grove_room_objects(grove_room_${name} ${view} "${ARG_SOURCES}" "${ARG_LIBS}")
  # Kept for grove_target, which may want the same sources once more as a private copy.
  set_property(TARGET grove_room_${name} PROPERTY GROVE_ROOM_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  set_property(TARGET grove_room_${name} PROPERTY GROVE_ROOM_SOURCES ${ARG_SOURCES})
  set_property(TARGET grove_room_${name} PROPERTY GROVE_ROOM_LIBS ${ARG_LIBS})
endfunction()

function(grove_room_objects target view sources libs)
  add_library(${target} OBJECT ${sources})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${view})
  target_link_libraries(${target} PRIVATE grove_flags ${libs})
  set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET hidden
    POSITION_INDEPENDENT_CODE ON C_EXTENSIONS OFF)
endfunction()

# grove_room_private(NAME): the room once more, with nothing of it visible outside the library it ends up in.
# A shared library hides its internal (grove__) names, so the next one up cannot call them across the border;
# base/ and columnar/ have no state, so each shared library that needs their insides gets its own copy. The
# copies agree on layouts because the libraries of one release belong together (the .pc files ask for the
# exact version). Static libraries need no copies: an archive hides nothing.
function(grove_room_private name)
  if(name MATCHES "^([a-z]+)/(.+)$") # one file of a room
    set(room ${CMAKE_MATCH_1})
    set(file ${CMAKE_MATCH_2})
    string(REGEX REPLACE "[/.]" "_" copy ${name})
    if(NOT TARGET grove_private_${copy})
      get_target_property(dir grove_room_${room} GROVE_ROOM_DIR)
      grove_room_objects(grove_private_${copy} ${PROJECT_BINARY_DIR}/rooms/${room}
        ${dir}/${file} "")
      target_compile_definitions(grove_private_${copy} PRIVATE GROVE_API=)
    endif()
    return()
  endif()
  if(TARGET grove_private_${name})
    return()
  endif()
  get_target_property(dir grove_room_${name} GROVE_ROOM_DIR)
  get_target_property(names grove_room_${name} GROVE_ROOM_SOURCES)
  get_target_property(libs grove_room_${name} GROVE_ROOM_LIBS)
  if(NOT libs)
    set(libs "")
  endif()
  list(TRANSFORM names PREPEND ${dir}/)
  grove_room_objects(grove_private_${name} ${PROJECT_BINARY_DIR}/rooms/${name} "${names}" "${libs}")
  target_compile_definitions(grove_private_${name} PRIVATE GROVE_API=)
endfunction()

# grove_target(NAME ROOMS room... [COPIES room...] [NEEDS target...] [PRIVATE lib...])
# A link target of the design: NAME_static and NAME_shared from the same objects, and grove::NAME, which is
# whichever exists (both: the static one, unless BUILD_SHARED_LIBS is on).
#   ROOMS    what it is made of
#   COPIES   rooms of its needs, or single files of them ("room/file.c"), whose insides it uses; see grove_room_private
#   NEEDS    link targets below it
#   PRIVATE  libraries that its code calls and its headers do not show
function(grove_target name)
  cmake_parse_arguments(ARG "" "" "ROOMS;COPIES;NEEDS;PRIVATE" ${ARGN})
  set(objects "")
  foreach(room IN LISTS ARG_ROOMS)
    list(APPEND objects $<TARGET_OBJECTS:grove_room_${room}>)
  endforeach()
  foreach(kind static shared)
    string(TOUPPER ${kind} KIND)
    if(GROVE_BUILD_${KIND})
      grove_target_kind(${name} ${kind} ${KIND} "${objects}" "${ARG_COPIES}" "${ARG_NEEDS}"
        "${ARG_PRIVATE}")
    endif()
  endforeach()
  set(first static)
  if(BUILD_SHARED_LIBS OR NOT TARGET ${name}_static)
    set(first shared)
  endif()
  if(NOT TARGET ${name}_${first})
    set(first static)
  endif()
  add_library(grove::${name} ALIAS ${name}_${first})
endfunction()

function(grove_target_kind name kind KIND objects copies needs private)
  set(target ${name}_${kind})
  if(kind STREQUAL "shared")
    foreach(room IN LISTS copies)
      grove_room_private(${room})
      string(REGEX REPLACE "[/.]" "_" room ${room})
      if(TARGET grove_private_${room})
        list(APPEND objects $<TARGET_OBJECTS:grove_private_${room}>)
      endif()
    endforeach()
  endif()
  add_library(${target} ${KIND} ${objects})
  add_library(grove::${target} ALIAS ${target})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE C
    EXPORT_NAME ${target})
  if(kind STREQUAL "shared")
    set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION}
      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    if(GROVE_SANITIZER STREQUAL "none" AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
      target_link_options(${target} PRIVATE LINKER:-z,defs)
    endif()
  endif()
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(need IN LISTS needs)
    if(TARGET ${need}_${kind})
      target_link_libraries(${target} PUBLIC ${need}_${kind})
    endif()
  endforeach()
  target_link_libraries(${target} PRIVATE ${private} $<BUILD_INTERFACE:grove_flags>)
  set_property(GLOBAL APPEND PROPERTY GROVE_TARGETS ${target})
endfunction()
