// SPDX-License-Identifier: MIT
#include "cli/booking_verbs.h"

#include <boost/json.hpp>
#include <cstdlib>

#include "cli/connection.h"
#include "cli/pages.h"
#include "cli/simple.h"

namespace baton::cli {
namespace {

namespace json = boost::json;

const std::vector<Column> kColumns{{"ID", "id"},         {"ENVIRONMENT", "environment"},
                                   {"LABELS", "labels"}, {"KIND", "kind"},
                                   {"FROM", "from"},     {"TO", "to"},
                                   {"REPEATS", "rrule"}, {"OWNER", "owner"},
                                   {"NOTE", "note"}};

int book(Host&, const Invocation& invocation) {
  const std::string kind = invocation.value("--kind", "booking");
  const char* variable = std::getenv("BATON_HOLDER");
  const std::string owner = invocation.value("--owner", variable == nullptr ? "" : variable);
  if (kind == "booking" && owner.empty())
    return report("env book",
                  Error{Code::invalid, "nobody is named who gets it then",
                        "--owner NAME; `baton lock exec --holder NAME` is who that is"});
  json::object body{{"kind", kind}};
  if (!owner.empty()) body["owner"] = owner;
  json::object labels;
  for (const std::string& pair : invocation.all("--label")) {
    const std::size_t at = pair.find('=');
    if (at == std::string::npos || at == 0)
      return report("env book",
                    Error{Code::invalid, fmt::format("--label \"{}\" has no key and value", pair),
                          "--label team=pay"});
    labels[pair.substr(0, at)] = pair.substr(at + 1);
  }
  if (invocation.arguments.empty() == labels.empty())
    return report("env book", Error{Code::invalid, "name one environment, or labels",
                                    "baton env book ENV --from … --to …"});
  if (labels.empty())
    body["environment"] = invocation.arguments[0];
  else
    body["labels"] = std::move(labels);
  for (const char* name : {"from", "to", "rrule", "note"}) {
    const std::string value = invocation.value(std::string{"--"} + name);
    if (!value.empty())
      body[name] = value;
    else if (std::string_view{name} == "from" || std::string_view{name} == "to")
      return report("env book", Error{Code::invalid, fmt::format("--{} is missing", name),
                                      "--from 2026-03-01T08:00:00Z --to 2026-03-01T10:00:00Z"});
  }
  return post_and_print(invocation, "env book", "/bookings", std::move(body),
                        {{"booking", "id"},
                         {"environment", "environment"},
                         {"labels", "labels"},
                         {"kind", "kind"},
                         {"from", "from"},
                         {"to", "to"},
                         {"repeats", "rrule"},
                         {"owner", "owner"},
                         {"note", "note"}});
}

int list(Host&, const Invocation& invocation) {
  return print_page(invocation, "env bookings", "/bookings", kColumns);
}

int remove(Host&, const Invocation& invocation) {
  return delete_path(invocation, "env unbook",
                     "/bookings/" + client::escape(invocation.arguments.at(0)));
}

}  // namespace

std::vector<Verb> booking_verbs() {
  Verb make;
  make.path = "env book";
  make.arguments = "ENV";
  make.arguments_max = 1;
  make.summary = "Keep an environment for its owner at a time";
  make.flags = {{"--from", "TIME", "Begin, RFC 3339"},
                {"--to", "TIME", "End, RFC 3339"},
                {"--rrule", "RULE", "Repeat it: FREQ=WEEKLY;BYDAY=MO (RFC 5545)"},
                {"--kind", "KIND", "booking (default), maintenance or blackout"},
                {"--owner", "NAME", "Who gets it then: --holder of lock exec (BATON_HOLDER)"},
                {"--note", "T", "What it is for"},
                {"--label", "K=V", "Every environment with these labels, instead of one", true}};
  make.example =
      "baton env book staging --from 2026-03-01T08:00:00Z --to 2026-03-01T10:00:00Z "
      "--owner load-test";
  make.run = book;
  Verb ls;
  ls.path = "env bookings";
  ls.summary = "List the bookings";
  ls.flags = page_flags();
  ls.run = list;
  Verb rm;
  rm.path = "env unbook";
  rm.arguments = "ID";
  rm.arguments_min = rm.arguments_max = 1;
  rm.summary = "Remove a booking";
  rm.run = remove;
  return {make, ls, rm};
}

}  // namespace baton::cli
