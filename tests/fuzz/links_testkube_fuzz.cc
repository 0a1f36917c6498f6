// SPDX-License-Identifier: MIT
// Whatever Testkube answers: nothing but a finished execution has a verdict. And the addresses of
// callbacks: what the allow-list lets through has the scheme and the host of one of its entries.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "links/allow_list.h"
#include "links/testkube_api.h"
#include "links/testkube_verdict.h"

namespace {

using namespace baton;

void check(bool condition) {
  if (!condition) std::abort();
}

void check_execution(const links::TestkubeExecution& execution) {
  check(!execution.id.empty());
  if (!execution.finished) check(links::verdict_of(execution) == model::GateVerdict::none);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto one = links::parse_testkube_execution(text)) check_execution(*one);
  if (const auto page = links::parse_testkube_page(text))
    for (const links::TestkubeExecution& one : page->executions) check_execution(one);
  links::parse_testkube_watched(text);
  const std::array<std::string, 2> allow{"https://dev.azure.com/corp/", "http://ado.corp:8080"};
  if (const auto url = links::allowed_by(text, allow))
    check((url->host == "dev.azure.com" && text.starts_with("https://")) ||
          url->host == "ado.corp");
  return 0;
}
