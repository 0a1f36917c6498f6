# SPDX-License-Identifier: MIT
# baton::server in the package: the static library of every room, and what they need. A component of
# its own, as its users need many more Debian packages than those of the light library.
set(BATON_SERVER_TARGETS baton_server)
foreach(room IN LISTS BATON_ROOM_TABLE)
  if(room)
    list(APPEND BATON_SERVER_TARGETS baton_${room})
  endif()
endforeach()
set_target_properties(baton_server PROPERTIES EXPORT_NAME server)
target_include_directories(baton_server INTERFACE
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS ${BATON_SERVER_TARGETS} EXPORT baton-server-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/baton COMPONENT server)
install(EXPORT baton-server-targets NAMESPACE baton:: DESTINATION ${BATON_PACKAGE_DIR}
  COMPONENT server)
install(FILES include/baton/server.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/baton
  COMPONENT server)
install(TARGETS baton RUNTIME COMPONENT server)

# The build's own list of dependencies, without its insistence: a missing one matters only to a
# program that links baton::server, and is named then.
file(READ cmake/dependencies.cmake dependencies)
string(REPLACE " REQUIRED" " QUIET" dependencies "${dependencies}")
file(WRITE ${CMAKE_BINARY_DIR}/baton-server.cmake
  "${dependencies}\ninclude(\${CMAKE_CURRENT_LIST_DIR}/baton-server-targets.cmake)\n")
install(FILES ${CMAKE_BINARY_DIR}/baton-server.cmake DESTINATION ${BATON_PACKAGE_DIR}
  COMPONENT server)
