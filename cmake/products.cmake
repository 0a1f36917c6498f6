# SPDX-License-Identifier: MIT
# What is built for users: the `baton` program, and baton::server for programs that embed one.
# (baton::baton, the light test library, is made by cmake/install.cmake.)
add_executable(baton src/baton.cc)
target_link_libraries(baton PRIVATE baton_app baton_cli baton_flags)

# The two entry points are found by weak references from baton::main: the linker has to be told that
# they are wanted.
add_library(baton_server INTERFACE)
target_link_libraries(baton_server INTERFACE baton_app baton_suite)
target_link_options(baton_server INTERFACE -Wl,-u,baton_serve_main -Wl,-u,baton_runner_main)
add_library(baton::server ALIAS baton_server)
