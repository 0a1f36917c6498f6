# SPDX-License-Identifier: MIT
# The light library: baton::baton in the tree, and the package that `cmake --install` makes of it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
include(cmake/suites.cmake)

# Attempts are forked: what is resolved before the fork is not resolved in each child.
set(BATON_LIGHT_LINK_OPTIONS LINKER:-z,now)

add_library(baton_baton INTERFACE)
add_library(baton::baton ALIAS baton_baton)
target_link_libraries(baton_baton INTERFACE baton_suite)
target_link_options(baton_baton INTERFACE ${BATON_LIGHT_LINK_OPTIONS})

# One archive of the two rooms it consists of, so that users link and find one thing.
add_library(baton_light STATIC $<TARGET_OBJECTS:baton_base> $<TARGET_OBJECTS:baton_suite>)
set_target_properties(baton_light PROPERTIES OUTPUT_NAME baton EXPORT_NAME baton)
target_compile_features(baton_light INTERFACE cxx_std_20)
target_include_directories(baton_light INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(baton_light PRIVATE fmt::fmt PkgConfig::RE2 Threads::Threads)
target_link_options(baton_light INTERFACE ${BATON_LIGHT_LINK_OPTIONS})

set(BATON_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/baton)
install(TARGETS baton_light EXPORT baton-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(EXPORT baton-targets NAMESPACE baton:: DESTINATION ${BATON_PACKAGE_DIR}
  COMPONENT library)
install(DIRECTORY include/baton DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
  FILES_MATCHING PATTERN "*.h" PATTERN "server.h" EXCLUDE)
configure_package_config_file(cmake/baton-config.cmake.in ${CMAKE_BINARY_DIR}/baton-config.cmake
  INSTALL_DESTINATION ${BATON_PACKAGE_DIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/baton-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/baton-config.cmake ${CMAKE_BINARY_DIR}/baton-config-version.cmake
  cmake/suites.cmake DESTINATION ${BATON_PACKAGE_DIR} COMPONENT library)

include(cmake/install_server.cmake)
