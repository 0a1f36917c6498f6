# SPDX-License-Identifier: MIT
# baton_room(NAME FLOOR n [USES room…]): one static library per room.
#
# Enforcement: the room exports one include root, ${BATON_ROOM_ROOT}/NAME/, that holds a single
# symlink NAME -> src/NAME. "store/tx.h" therefore resolves only where `store` is in the link
# closure.
# src/NAME/files.cmake lists, without globs:
#   SOURCES    the room's .cc files
#   TESTS      its *_test.cc files; they form one executable, NAME_test, that links only this room
#   LIBRARIES  third-party targets, seen by the room's sources only
#   TEST_LIBRARIES  third-party targets of its tests only
#   PUBLIC_LIBRARIES  third-party targets that its headers need
#   PRECOMPILED  which headers its sources find precompiled (cmake/pch.cmake); std unless told
#   OPTIMISED  ON where the simulation spends its time: a debug build optimises it as well
set(BATON_ROOM_TABLE "" CACHE INTERNAL "")
# The presets share one place, so that ccache finds the same paths in every build folder.
set(BATON_ROOM_ROOT ${CMAKE_BINARY_DIR}/rooms
  CACHE PATH "Where the include roots of the rooms are made")

function(baton_room name)
  cmake_parse_arguments(ROOM "" "FLOOR" "USES" ${ARGN})
  set(BATON_ROOM_TABLE "${BATON_ROOM_TABLE};${name}" CACHE INTERNAL "")
  set(BATON_FLOOR_${name} ${ROOM_FLOOR} CACHE INTERNAL "")
  foreach(used IN LISTS ROOM_USES)
    if(NOT DEFINED BATON_FLOOR_${used})
      message(FATAL_ERROR "room ${name} uses ${used}, which is not declared before it")
    endif()
    if(NOT BATON_FLOOR_${used} LESS ROOM_FLOOR)
      message(FATAL_ERROR "room ${name} (floor ${ROOM_FLOOR}) may not use ${used} "
        "(floor ${BATON_FLOOR_${used}})")
    endif()
  endforeach()

  set(SOURCES "")
  set(TESTS "")
  set(LIBRARIES "")
  set(PUBLIC_LIBRARIES "")
  set(TEST_LIBRARIES "")
  set(PRECOMPILED std)
  set(OPTIMISED OFF)
  set(dir ${CMAKE_SOURCE_DIR}/src/${name})
  include(${dir}/files.cmake)

  set(root ${BATON_ROOM_ROOT}/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${dir} ${root}/${name} SYMBOLIC)

  list(TRANSFORM SOURCES PREPEND ${dir}/)
  if(SOURCES)
    add_library(baton_${name} STATIC ${SOURCES})
    set(scope PUBLIC)
    target_link_libraries(baton_${name} PRIVATE $<BUILD_INTERFACE:baton_flags> ${LIBRARIES})
    set(options "")
    if(OPTIMISED)
      set(options ${BATON_OPTIMISED_OPTIONS})
    endif()
    baton_pch(baton_${name} ${PRECOMPILED} ${options})
  else()
    add_library(baton_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(baton_${name} ${scope}
    $<BUILD_INTERFACE:${root}> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
  list(TRANSFORM ROOM_USES PREPEND baton_)
  target_link_libraries(baton_${name} ${scope} ${ROOM_USES} ${PUBLIC_LIBRARIES})

  if(BATON_TESTS AND TESTS)
    list(TRANSFORM TESTS PREPEND ${dir}/)
    add_executable(${name}_test ${TESTS})
    target_link_libraries(${name}_test PRIVATE baton_${name} baton_flags ${LIBRARIES}
      ${TEST_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main)
    baton_pch(${name}_test test)
    add_test(NAME unit.${name} COMMAND ${name}_test)
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
endfunction()

# Fails when a folder of src/ is not in the table, so that no room escapes the rule.
function(baton_rooms_done)
  file(GLOB folders LIST_DIRECTORIES true RELATIVE ${CMAKE_SOURCE_DIR}/src
    ${CMAKE_SOURCE_DIR}/src/*)
  foreach(folder IN LISTS folders)
    if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/src/${folder} AND NOT folder IN_LIST BATON_ROOM_TABLE)
      message(FATAL_ERROR "src/${folder} is not in the room table of CMakeLists.txt")
    endif()
  endforeach()
endfunction()
