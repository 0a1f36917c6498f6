# SPDX-License-Identifier: MIT
# Warnings are errors; mold and ccache are used when present and change nothing but time.
add_library(baton_flags INTERFACE)
# Everywhere alike: a header that is precompiled without -pthread cannot be used with it.
target_compile_options(baton_flags INTERFACE -pthread)
target_compile_options(baton_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Werror
  # g++ 12 takes the frame allocator of Asio's coroutines for a mismatch (GCC bug 103993).
  -Wno-mismatched-new-delete
  # At -O2 g++ 12 finds overlaps and uninitialised members inside std::string and std::optional that
  # are not there (GCC bugs 105651, 105562); the dev build, which has no such passes, keeps both.
  $<$<CONFIG:Release>:-Wno-restrict> $<$<CONFIG:Release>:-Wno-maybe-uninitialized>
  $<$<CONFIG:Release>:-Wno-stringop-overflow> $<$<CONFIG:Release>:-Wno-array-bounds>
  $<$<CONFIG:Release>:-Wno-stringop-overread>)
if(BATON_SANITIZE STREQUAL "thread")
  # The fences of Asio's handlers, beside locks that TSan does understand. Asio's headers are system
  # headers, which g++ 12 forgets when they are precompiled.
  target_compile_options(baton_flags INTERFACE -Wno-tsan)
  # Of joined short strings, with -O1 and ThreadSanitizer only: GCC 12 takes the buffer within the
  # string for all that there is.
  target_compile_options(baton_flags INTERFACE -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(BATON_SANITIZE)
  add_compile_options(-fsanitize=${BATON_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BATON_SANITIZE})
  # The frame recycler of Asio hides use-after-free of coroutine frames from the sanitizers.
  add_compile_definitions(BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
endif()
find_program(BATON_MOLD mold)
if(BATON_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
target_compile_definitions(baton_flags INTERFACE BATON_VERSION="${PROJECT_VERSION}")
