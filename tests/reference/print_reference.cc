// SPDX-License-Identifier: MIT
// Prints one generated page: print_reference configuration.md | baton.schema.json
#include <cstdio>
#include <string_view>

#include "config/config.h"

int main(int argc, char** argv) {
  const std::string_view page = argc == 2 ? argv[1] : "";
  if (page == "configuration.md") {
    std::fputs(baton::config::reference_page().c_str(), stdout);
  } else if (page == "baton.schema.json") {
    std::fputs(baton::config::json_schema().c_str(), stdout);
  } else {
    std::fputs("usage: print_reference configuration.md|baton.schema.json\n", stderr);
    return 2;
  }
  return 0;
}
