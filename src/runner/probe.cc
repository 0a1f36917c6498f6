// SPDX-License-Identifier: MIT
#include "runner/probe.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "runner/discover.h"
#include "runner/environment.h"

namespace baton::runner {
namespace {

using model::Kind;

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool has_word(const std::vector<std::string>& command, std::string_view word) {
  return std::find(command.begin() + 1, command.end(), word) != command.end();
}

// Tools that are known by their name.
std::optional<Kind> kind_by_name(const std::vector<std::string>& command) {
  const std::string_view program = base_name(command[0]);
  const bool python = program.starts_with("python");
  if (program == "pytest" || program == "py.test" || program == "pytest-3") return Kind::pytest;
  if (python && has_word(command, "-m") && has_word(command, "pytest")) return Kind::pytest;
  if (program == "ctest") return Kind::ctest;
  if (program == "go" && command.size() > 1 && command[1] == "test") return Kind::go;
  const bool node_tool =
      program == "npx" || program == "pnpm" || program == "yarn" || program == "bunx";
  if ((program == "playwright" || (node_tool && has_word(command, "playwright"))) &&
      has_word(command, "test")) {
    return Kind::playwright;
  }
  if (program == "bats" && (has_word(command, "--tap") || has_word(command, "-t")))
    return Kind::tap;
  return std::nullopt;
}

// The program's file, as exec would find it; "" when there is none.
std::string file_of(const std::string& program, const std::string& folder) {
  if (program.starts_with('/')) return program;
  if (program.find('/') != std::string::npos) return folder + "/" + program;
  const Variables environment = base_environment();
  for (const std::string_view part : split(environment.at("PATH"), ':')) {
    std::string path = fmt::format("{}/{}", part, program);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

// The whole file in memory, read-only.
class Mapped {
 public:
  explicit Mapped(const std::string& path) {
    const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) return;
    void* data = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE,
                        fd.get(), 0);
    if (data == MAP_FAILED) return;
    bytes_ = {static_cast<const char*>(data), static_cast<std::size_t>(info.st_size)};
  }
  ~Mapped() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  std::string_view bytes() const { return bytes_; }
  bool has(std::string_view text) const {
    return ::memmem(bytes_.data(), bytes_.size(), text.data(), text.size()) != nullptr;
  }

 private:
  std::string_view bytes_;
};

struct Marker {
  Kind kind;
  std::string_view text;  // in the file of every program of the kind
  std::string_view name;
};
// Symbols of a shared library or texts of a static one.
constexpr std::array<Marker, 4> kMarkers = {{{Kind::cpp, "exec is called by a runner", "Baton"},
                                             {Kind::catch2, "list-test-names-only", "Catch2"},
                                             {Kind::doctest, "dt-list-test-cases", "doctest"},
                                             {Kind::gtest, "InitGoogleTest", "GoogleTest"}}};

std::optional<Probe> probe_binary(const Mapped& file, const model::Suite& suite, int timeout_ms,
                                  std::string& tried) {
  for (const Marker& marker : kMarkers) {
    const bool gtest_text = marker.kind == Kind::gtest && file.has("gtest_list_tests");
    if (!file.has(marker.text) && !gtest_text) continue;
    model::Suite asked = suite;
    asked.kind = marker.kind;
    const auto found = discover(asked, timeout_ms);
    std::size_t cases = 0;
    if (found) {
      for (const model::Suite& one : found->suites) cases += one.cases.size();
    }
    if (cases == 0) {
      tried += fmt::format("; it looks like {} but lists no cases", marker.name);
      continue;
    }
    Probe probe{marker.kind,
                fmt::format("it lists {} {} case{}", cases, marker.name, cases == 1 ? "" : "s"),
                ""};
    if (marker.kind == Kind::cpp && found->suites.size() == 1) probe.suite = found->suites[0].id();
    return probe;
  }
  return std::nullopt;
}

// A script that prints a TAP plan says so in its text.
bool prints_tap(const Mapped& script) {
  constexpr std::size_t kScriptMax = 1 << 20;
  const std::string_view text = script.bytes().substr(0, kScriptMax);
  if (text.find("TAP version 1") != std::string_view::npos) return true;
  for (const std::string_view plan :
       {"echo 1..", "echo \"1..", "echo '1..", "print(\"1..", "print('1..", "print \"1..",
        "printf '1..", "printf \"1..", "plan tests =>", "use Test::More", "Test::More"}) {
    if (text.find(plan) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

Probe probe(const std::vector<std::string>& command, const std::string& folder, int timeout_ms) {
  if (command.empty() || command[0].empty()) return {Kind::command, "the command is empty", ""};
  if (const auto kind = kind_by_name(command)) {
    return {*kind, fmt::format("the command is {}", name_of(*kind)), ""};
  }
  model::Suite suite;
  suite.namespace_ = "adhoc";
  suite.name = "probe";
  suite.command = command;
  suite.folder = folder;
  const std::string path = file_of(command[0], folder);
  const Mapped file(path);
  if (file.bytes().empty()) return {Kind::command, "its file cannot be read", ""};
  std::string tried;
  if (file.bytes().starts_with("\x7f" "ELF")) {
    if (auto found = probe_binary(file, suite, timeout_ms, tried)) return *found;
    // An interpreter: the script that it is given tells more.
    for (std::size_t i = 1; i < command.size(); ++i) {
      if (command[i].starts_with('-')) continue;
      const Mapped script(command[i].starts_with('/') ? command[i] : folder + "/" + command[i]);
      if (prints_tap(script)) return {Kind::tap, command[i] + " prints TAP", ""};
      break;
    }
    return {Kind::command, "it is no test program that is known" + tried, ""};
  }
  if (prints_tap(file)) return {Kind::tap, "the script prints TAP", ""};
  return {Kind::command, "a script: its exit code decides", ""};
}

}  // namespace baton::runner
