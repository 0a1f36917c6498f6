// SPDX-License-Identifier: MIT
#include "cli/gate_request.h"

#include <array>
#include <boost/json.hpp>

#include "base/file.h"
#include "base/time.h"
#include "cli/output.h"
#include "cli/simple.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kFileMax = 1 << 20;  // what the server takes of a body
constexpr std::array<const char*, 4> kSubjects{"--suite", "--run", "--testkube", "--external"};

Result<json::object> object_in(std::string_view text, std::string_view what,
                               const std::string& fix) {
  boost::system::error_code bad;
  json::value value = json::parse(text, bad);
  if (bad) return fail_with_fix(Code::invalid, fix, "{} is not JSON: {}", what, bad.message());
  if (!value.is_object()) return fail_with_fix(Code::invalid, fix, "{} is no JSON object", what);
  return std::move(value.get_object());
}

Result<json::object> request_in_file(const std::string& file) {
  auto text = read_file(file == "-" ? "/dev/stdin" : file, kFileMax);
  if (!text) return tl::unexpected(of_file(std::move(text).error()));
  return object_in(*text, file == "-" ? "standard input" : file,
                   "the file holds the body of POST /gates: {\"subject\":{\"suite\":\"ns/name\"}}");
}

Result<json::object> suite_subject(const Invocation& invocation) {
  json::object subject{{"suite", invocation.value("--suite")}};
  for (const auto& [flag, name] :
       {std::pair{"--filter", "filter"}, std::pair{"--ref", "reference"}})
    if (const std::string value = invocation.value(flag); !value.empty()) subject[name] = value;
  BATON_TRY(params, pairs_of(invocation, "--param"));
  if (!params.empty()) subject["params"] = std::move(params);
  return subject;
}

// The subject that the flags name; empty: none does.
Result<json::object> subject_of(const Invocation& invocation) {
  std::string named;
  for (const char* flag : kSubjects) {
    if (invocation.value(flag).empty() && !invocation.has(flag)) continue;
    if (!named.empty())
      return fail_with_fix(Code::invalid, "a gate has one subject; open two gates",
                           "{} and {} are both given", named, flag);
    named = flag;
  }
  if (named != "--suite")
    for (const char* flag : {"--filter", "--ref", "--param"})
      if (!invocation.value(flag).empty())
        return fail_with_fix(Code::invalid, "--suite namespace/name",
                             "{} is about a run that the gate starts, and --suite is missing",
                             flag);
  if (named == "--suite") return suite_subject(invocation);
  if (named == "--external") return json::object{{"external", true}};
  if (named == "--testkube") {
    BATON_TRY(testkube, parse_testkube(invocation.value("--testkube")));
    return json::object{{"testkube", std::move(testkube)}};
  }
  if (named.empty()) return json::object{};
  BATON_TRY(run, number_of(invocation, "--run"));
  return json::object{{"run", run.value_or(0)}};
}

Result<void> put_duration(const Invocation& invocation, json::object& body) {
  const std::string text = invocation.value("--timeout");
  if (text.empty()) return {};
  if (auto parsed = parse_duration(text); !parsed) return tl::unexpected(parsed.error());
  body["timeout"] = text;
  return {};
}

}  // namespace

std::vector<Flag> gate_open_flags() {
  return {
      {"--suite", "S", "Start a run of this suite, and wait for it"},
      {"--filter", "RE", "With --suite: only cases whose name matches"},
      {"--param", "K=V", "With --suite: given to tests as BATON_PARAM_K", true},
      {"--ref", "R", "With --suite: what is tested"},
      {"--run", "RUN", "Wait for this run"},
      {"--testkube", "P:KIND=V",
       "Wait for Testkube: PROFILE:tag=K=V, PROFILE:workflow=NAME or PROFILE:execution=ID"},
      {"--external", "", "Somebody says the verdict: baton gate verdict"},
      {"--name", "NAME", "For people"},
      {"--key", "K", "A newer gate of the same key supersedes the older one"},
      {"--timeout", "D", "How long it may stay open (1h)"},
      {"--on-timeout", "V", "What it says then: failed (default) or passed"},
      {"--environment", "E", "Hold this environment while it is open"},
      {"--label", "K=V", "Label of the gate", true},
      {"--deliver", "LINK[:JSON]", "Whom the verdict is brought to, and how", true},
      {"-f,--file", "F", "The body of POST /gates as JSON, - for standard input; flags go before"},
      {"--idempotency-key", "KEY", "The same key never opens a second gate"},
      {"--wait", "", "Wait for the verdict, as baton gate wait does"},
      {"--junit", "F", "With --wait: write the results as JUnit XML to this file"},
  };
}

Result<json::object> parse_target(std::string_view text) {
  static constexpr const char* kFix =
      "--deliver webhook/ci, or "
      "--deliver 'gocd/main:{\"run_stage\":{\"pipeline\":\"shop\",\"counter\":42,"
      "\"stage\":\"accept\"}}'";
  if (text.starts_with('{')) return object_in(text, "--deliver", kFix);
  const std::size_t colon = text.find(':');
  const std::string_view link = text.substr(0, colon);
  if (link.find('/') == std::string_view::npos)
    return fail_with_fix(Code::invalid, kFix, "--deliver \"{}\" names no link, KIND/PROFILE", text);
  json::object target{{"link", link}};
  if (colon == std::string_view::npos) return target;
  BATON_TRY(rest, object_in(text.substr(colon + 1), fmt::format("--deliver {}: what follows", link),
                            kFix));
  for (auto& [name, value] : rest) target[name] = std::move(value);
  return target;
}

Result<json::object> parse_testkube(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::size_t equals = text.find('=');
  if (colon != std::string_view::npos && colon > 0 && equals != std::string_view::npos &&
      equals > colon && equals + 1 < text.size()) {
    const std::string_view kind = text.substr(colon + 1, equals - colon - 1);
    if (kind == "tag" || kind == "workflow" || kind == "execution")
      return json::object{{"profile", text.substr(0, colon)}, {kind, text.substr(equals + 1)}};
  }
  return fail_with_fix(Code::invalid,
                       "--testkube PROFILE:tag=KEY=VALUE, PROFILE:workflow=NAME or "
                       "PROFILE:execution=ID",
                       "--testkube \"{}\" is none of its forms", text);
}

Result<json::object> gate_request(const Invocation& invocation) {
  json::object body;
  if (const std::string file = invocation.value("--file"); !file.empty()) {
    BATON_TRY(read, request_in_file(file));
    body = std::move(read);
  }
  BATON_TRY(subject, subject_of(invocation));
  if (!subject.empty()) body["subject"] = std::move(subject);
  if (!body.contains("subject"))
    return fail_with_fix(Code::invalid,
                         "--suite S, --run RUN, --testkube P:tag=K=V or --external; or -f FILE",
                         "what the gate asks about is missing");
  for (const auto& [flag, name] :
       {std::pair{"--name", "name"}, std::pair{"--key", "key"},
        std::pair{"--on-timeout", "on_timeout"}, std::pair{"--environment", "environment"}})
    if (const std::string value = invocation.value(flag); !value.empty()) body[name] = value;
  BATON_TRY_VOID(put_duration(invocation, body));
  BATON_TRY(labels, pairs_of(invocation, "--label"));
  if (!labels.empty()) body["labels"] = std::move(labels);
  json::array targets;
  for (const std::string& text : invocation.all("--deliver")) {
    BATON_TRY(target, parse_target(text));
    targets.push_back(std::move(target));
  }
  if (!targets.empty()) body["deliver"] = std::move(targets);
  return body;
}

}  // namespace baton::cli
