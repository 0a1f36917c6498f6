# SPDX-License-Identifier: MIT
# Precompiled headers: half of the time of a translation unit goes into reading the same standard
# and third-party headers (docs/adr/0004-precompiled-headers.md). Only such headers are in them,
# Baton's own, so that editing a room rebuilds what includes it and nothing else. Sources name what
# they include all the same: -DBATON_PCH=OFF builds without and shows what is missing.
#   std   standard headers, fmt, tl::expected
#   json  the same and Boost.JSON
#   asio  the first and Asio
#   edge  all of these
#   test  standard headers and GoogleTest, for executables
option(BATON_PCH "Precompile standard and third-party headers" ON)

# ccache has to see which precompiled header a source was built with.
set(BATON_PCH_OPTIONS $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)

# Without <filesystem>: it brings std::quoted, which a room's own `quoted` would be mistaken for.
set(BATON_PCH_std <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstdio> <cstdlib>
  <cstring> <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view>
  <thread> <unordered_map> <utility> <vector> <fmt/format.h> <tl/expected.hpp>)
set(BATON_PCH_json ${BATON_PCH_std} <boost/json.hpp>)
set(BATON_PCH_asio ${BATON_PCH_std} <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp>
  <boost/asio/co_spawn.hpp> <boost/asio/detached.hpp> <boost/asio/io_context.hpp>
  <boost/asio/post.hpp> <boost/asio/steady_timer.hpp> <boost/asio/this_coro.hpp>
  <boost/asio/use_awaitable.hpp>)
set(BATON_PCH_edge ${BATON_PCH_asio} <boost/json.hpp>)
set(BATON_PCH_test ${BATON_PCH_std} <gtest/gtest.h>)

# Of rooms that are OPTIMISED (cmake/rooms.cmake): with -Og the simulation, which lives its
# thousands of histories in them, needs a third of the time, for a quarter more of theirs to
# compile. A build that says how it optimises is left alone.
set(BATON_OPTIMISED_OPTIONS "")
if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT CMAKE_CXX_FLAGS_DEBUG MATCHES "-O")
  set(BATON_OPTIMISED_OPTIONS -Og)
endif()

# baton_pch(target kind [options…]): the target reads the headers of that kind precompiled, and is
# compiled with these options, which a precompiled header has to share.
function(baton_pch target kind)
  target_compile_options(${target} PRIVATE ${ARGN})
  if(NOT BATON_PCH)
    return()
  endif()
  string(MAKE_C_IDENTIFIER "baton_pch_${kind}${ARGN}" owner)
  if(NOT TARGET ${owner})
    set(source ${CMAKE_BINARY_DIR}/${owner}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "int main() {}\n")
    if(kind STREQUAL "test")
      add_executable(${owner} ${source})  # -fPIE, as its users have
      target_link_libraries(${owner} PRIVATE GTest::gtest)
    else()
      add_library(${owner} OBJECT ${source})
    endif()
    target_link_libraries(${owner} PRIVATE baton_flags fmt::fmt tl::expected)
    if(kind MATCHES "json|edge")
      target_link_libraries(${owner} PRIVATE Boost::json)
    endif()
    target_compile_options(${owner} PRIVATE ${BATON_PCH_OPTIONS} ${ARGN})
    target_precompile_headers(${owner} PRIVATE ${BATON_PCH_${kind}})
  endif()
  target_compile_options(${target} PRIVATE ${BATON_PCH_OPTIONS})
  target_precompile_headers(${target} REUSE_FROM ${owner})
endfunction()
