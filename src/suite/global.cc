// SPDX-License-Identifier: MIT
// What the macros of <baton/baton.h> call: everything is copied into the global registry.
#include <baton/baton.h>

#include "suite/bridge.h"
#include "suite/printer.h"
#include "suite/registry.h"

namespace baton::detail {
namespace {

using suite::view;

suite::Labels copy(const std::initializer_list<Label>& labels) {
  suite::Labels out;
  for (const Label& label : labels) out.emplace_back(view(label.key), view(label.value));
  return out;
}

}  // namespace

bool add_suite(const char* name, Here here, const SuiteOptions& options, void (*anchor)()) {
  anchor();  // keeps it in the program; it does nothing
  suite::global_registry().add_suite({.namespace_ = std::string(view(options.namespace_)),
                                      .name = name,
                                      .description = std::string(view(options.description)),
                                      .owner = std::string(view(options.owner)),
                                      .labels = copy(options.labels),
                                      .environment = std::string(view(options.environment)),
                                      .max_attempts = options.max_attempts,
                                      .back_off_ms = options.back_off.ms(),
                                      .timeout_ms = options.timeout.ms(),
                                      .attempt_timeout_ms = options.attempt_timeout.ms(),
                                      .workers = options.workers,
                                      .file = here.file,
                                      .line = here.line,
                                      .cases = {}});
  return true;
}

bool add_setup(const char* suite, Here here, Body body) {
  suite::global_registry().add_setup(suite, here, body);
  return true;
}

bool add_teardown(const char* suite, Here here, Body body) {
  suite::global_registry().add_teardown(suite, here, body);
  return true;
}

bool add_test(const char* suite, const char* name, Here here, Body body,
              const TestOptions& options) {
  suite::global_registry().add_case(suite, {.name = name,
                                            .description = std::string(view(options.description)),
                                            .file = here.file,
                                            .line = here.line,
                                            .labels = copy(options.labels),
                                            .max_attempts = options.max_attempts,
                                            .timeout_ms = options.timeout.ms(),
                                            .body = body,
                                            .parameter_text = ""});
  return true;
}

bool add_parameter_test(const char* suite, const char* name, Here here, ParameterBody body,
                        const void* parameter, std::size_t index, const Arg& text) {
  suite::global_registry().add_parameter_case(suite,
                                              {.name = name,
                                               .description = "",
                                               .file = here.file,
                                               .line = here.line,
                                               .labels = {},
                                               .parameter_body = body,
                                               .parameter = parameter,
                                               .parameter_text = suite::plain(text)},
                                              index);
  return true;
}

}  // namespace baton::detail
