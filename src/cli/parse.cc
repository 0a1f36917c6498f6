// SPDX-License-Identifier: MIT
// The only file that includes CLI11, which costs 3 s of compile time.
#include "cli/parse.h"

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <deque>

#include "base/text.h"

namespace baton::cli {
namespace {

struct Slot {
  std::string key;
  bool is_switch = false;
  bool flag = false;
  std::vector<std::string> values;
};

// What one verb's options are parsed into; a deque keeps addresses while it grows.
struct Bound {
  const Verb* verb = nullptr;
  CLI::App* app = nullptr;
  std::deque<Slot> slots;
  std::vector<std::string> arguments;
};

struct Program {
  CLI::App app{"Baton hands tests off between delivery pipelines and the environments they share.",
               "baton"};
  std::deque<Bound> bounds;
};

std::string long_name(std::string_view names) {
  for (const std::string_view name : split(names, ','))
    if (name.starts_with("--")) return std::string{name};
  return std::string{names};
}

void bind_flag(Bound& bound, CLI::App& app, const Flag& flag, std::string_view group) {
  Slot& slot = bound.slots.emplace_back();
  slot.key = long_name(flag.name);
  slot.is_switch = flag.value.empty();
  CLI::Option* option = nullptr;
  if (slot.is_switch) {
    option = app.add_flag(flag.name, slot.flag, flag.help);
  } else {
    option = app.add_option(flag.name, slot.values, flag.help)->type_name(flag.value);
    option->expected(1);
    option->allow_extra_args(false);
    if (flag.repeated) option->take_all();
    else option->take_last();
  }
  if (!group.empty()) option->group(std::string{group});
}

CLI::App& node(CLI::App& root, std::string_view path) {
  CLI::App* app = &root;
  for (const std::string_view word : split(path, ' ')) {
    const auto found = app->get_subcommands(
        [&](const CLI::App* known) { return known->get_name() == word; });
    app = found.empty() ? app->add_subcommand(std::string{word})->require_subcommand(0)
                        : found.front();
  }
  return *app;
}

void build(Program& program) {
  CLI::App& root = program.app;
  root.set_version_flag("--version", "baton " BATON_VERSION);
  root.require_subcommand(0);
  for (const Verb& verb : all_verbs()) {
    Bound& bound = program.bounds.emplace_back();
    bound.verb = &verb;
    CLI::App& app = node(root, verb.path);
    bound.app = &app;
    app.description(verb.summary);
    if (!verb.example.empty()) app.footer("Example:\n  " + verb.example);
    for (const Flag& flag : verb.flags) bind_flag(bound, app, flag, "");
    for (const Flag& flag : global_flags()) bind_flag(bound, app, flag, "Global options");
    if (verb.arguments_max > 0) {
      app.add_option(verb.arguments, bound.arguments, "")
          ->expected(static_cast<int>(verb.arguments_min), static_cast<int>(verb.arguments_max))
          ->required(verb.arguments_min > 0);
      app.positionals_at_end(false);
    }
  }
}

Result<Output> parse_output(const std::string& text) {
  if (text.empty() || text == "table" || text == "text") return Output::table;
  if (text == "json") return Output::json;
  if (text == "yaml") return Output::yaml;
  return fail(Code::invalid, "--output is table, json or yaml, not \"{}\"", text);
}

int usage_error(std::string_view what, std::string_view fix) {
  std::fprintf(stderr, "baton: usage: %.*s\nfix: %.*s\n", static_cast<int>(what.size()),
               what.data(), static_cast<int>(fix.size()), fix.data());
  return kUsage;
}

// The deepest subcommand that was named.
CLI::App* chosen(CLI::App& root) {
  CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::vector<std::string> words_below(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    words.push_back(sub->get_name());
  return words;
}

// CLI11 would take a word that begins with a dash for a flag, wherever it stands.
constexpr char kLiteral = '\x01';

// Full path of a command: "baton runs ls".
std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : path_of(*app.get_parent()) + " " + app.get_name();
}

int explain(const CLI::ParseError& error, CLI::App& root, const std::vector<std::string>& words) {
  const CLI::App* at = chosen(root);
  std::string what = error.what();
  std::erase(what, kLiteral);
  std::string fix = path_of(*at) + " --help";
  const std::vector<std::string> known = words_below(*at);
  if (!known.empty()) {
    for (const std::string& word : words) {
      if (word.starts_with("-") || std::find(known.begin(), known.end(), word) != known.end())
        continue;
      if (const std::string near = nearest(word, known); !near.empty()) {
        what = fmt::format("\"{}\" is no command", word);
        fix = path_of(*at) + " " + near;
      }
    }
  }
  return usage_error(what, fix);
}

// Whether the verb of these words is one that takes a command after "--".
bool takes_command(const std::vector<std::string>& words) {
  Program program;
  build(program);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    program.app.parse(reversed);
  } catch (const CLI::ParseError&) {
    // What is wrong with them is told when they are parsed in earnest.
  }
  const CLI::App* app = chosen(program.app);
  return std::any_of(program.bounds.begin(), program.bounds.end(), [&](const Bound& bound) {
    return bound.app == app && bound.verb->takes_rest;
  });
}

// Of what the words before "--" say the verb's arguments and flags are filled in.
void fill(Parsed& parsed, Bound& bound) {
  Invocation& invocation = parsed.invocation;
  for (Slot& slot : bound.slots) {
    if (slot.is_switch)
      invocation.switches[slot.key] = slot.flag;
    else if (!slot.values.empty())
      invocation.values[slot.key] = std::move(slot.values);
  }
  invocation.arguments = std::move(bound.arguments);
  for (std::string& argument : invocation.arguments)
    if (argument.starts_with(kLiteral)) argument.erase(0, 1);
  parsed.verb = bound.verb;
}

}  // namespace

Parsed parse(int argc, char** argv) {
  Parsed parsed;
  // CLI11 gives "--" a meaning of its own; ours is "the rest is a command", or, where a verb takes
  // none, "the rest are arguments, whatever they begin with".
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} == "--") {
      parsed.invocation.has_rest = true;
      parsed.invocation.rest.assign(argv + i + 1, argv + argc);
      break;
    }
    words.emplace_back(argv[i]);
  }
  if (parsed.invocation.has_rest && !takes_command(words)) {
    for (const std::string& word : parsed.invocation.rest) words.push_back(kLiteral + word);
    parsed.invocation.rest.clear();
    parsed.invocation.has_rest = false;
  }
  Program program;
  build(program);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    program.app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::fputs(chosen(program.app)->help().c_str(), stdout);
    return parsed;
  } catch (const CLI::CallForVersion&) {
    std::puts("baton " BATON_VERSION);
    return parsed;
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = explain(error, program.app, words);
    return parsed;
  }
  const CLI::App* app = chosen(program.app);
  for (Bound& bound : program.bounds)
    if (bound.app == app) fill(parsed, bound);
  if (parsed.verb == nullptr && words.empty()) {
    std::fputs(app->help().c_str(), stdout);
    return parsed;
  }
  if (parsed.verb == nullptr) {  // a noun without its verb
    parsed.exit_code = usage_error(
        fmt::format("{} needs one of {}", path_of(*app), fmt::join(words_below(*app), ", ")),
        path_of(*app) + " --help");
    return parsed;
  }
  const auto output = parse_output(parsed.invocation.value("--output"));
  if (!output) {
    parsed.exit_code = usage_error(output.error().message, "--output json");
    parsed.verb = nullptr;
    return parsed;
  }
  parsed.invocation.output = *output;
  return parsed;
}

std::string help_of(std::string_view path) {
  Program program;
  build(program);
  return path.empty() ? program.app.help() : node(program.app, path).help();
}

}  // namespace baton::cli
