# SPDX-License-Identifier: MIT
# For projects with suites; part of the installed package, and usable in the tree.

# baton_link_suites(target library…): links static libraries of suites and tests whole. A linker
# takes out of a static library only what is referred to, and nothing refers to a test.
function(baton_link_suites target)
  foreach(library IN LISTS ARGN)
    target_link_libraries(${target} PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${library}>")
  endforeach()
endfunction()
