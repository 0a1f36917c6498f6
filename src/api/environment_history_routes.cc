// SPDX-License-Identifier: MIT
// What an environment was used for: the leases, and the seconds.
#include "api/handlers.h"
#include "api/heard_of.h"
#include "api/lease_json.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/environment_ops.h"
#include "engine/utilisation.h"
#include "store/lease_table.h"

namespace baton::api {
namespace {

// What a report covers when it is not told.
constexpr Duration kReportOf = std::chrono::hours{24};
// Each use is a row that is read: a report of a century is a mistake.
constexpr Duration kReportMax = std::chrono::hours{24 * 400};

Result<std::optional<TimePoint>> time_query(const Call& call, std::string_view name) {
  const std::string_view text = call.query(name);
  if (text.empty()) return std::optional<TimePoint>{};
  BATON_TRY(time, parse_rfc3339(text));
  return std::optional{time};
}

struct Span {
  TimePoint from;
  TimePoint to;
};

Result<Span> span_of(const Call& call, TimePoint now) {
  BATON_TRY(from, time_query(call, "from"));
  BATON_TRY(to, time_query(call, "to"));
  Span span;
  span.to = to.value_or(now);
  span.from = from.value_or(span.to - kReportOf);
  if (span.from >= span.to) return fail(Code::invalid, "`from` must be before `to`");
  if (span.to - span.from > kReportMax)
    return fail(Code::invalid, "`from` and `to` are more than {} apart",
                format_duration(kReportMax));
  return span;
}

double seconds(Duration d) { return static_cast<double>(d.count()) / 1'000; }

std::string to_json(const std::string& name, const Span& span, const engine::Utilisation& used) {
  wire::JsonWriter out;
  out.begin_object().field("environment", name).field("from", span.from).field("to", span.to);
  out.field("slots", used.slots).key("seconds").begin_object();
  out.field("held", seconds(used.held))
      .field("cleaning", seconds(used.cleaning))
      .field("broken", seconds(used.broken))
      .field("maintenance", seconds(used.maintenance))
      .field("free", seconds(used.free))
      .end_object();
  return out.end_object().take();
}

// RFC 4180: quoted where it has to be.
std::string csv_text(std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return std::string{text};
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string{"\"\""} : std::string{c};
  return out + "\"";
}

std::string to_csv(const std::string& name, const Span& span, const engine::Utilisation& used) {
  return fmt::format(
      "environment,from,to,slots,held,cleaning,broken,maintenance,free\r\n"
      "{},{},{},{},{:.3f},{:.3f},{:.3f},{:.3f},{:.3f}\r\n",
      csv_text(name), format_rfc3339(span.from), format_rfc3339(span.to), used.slots,
      seconds(used.held), seconds(used.cleaning), seconds(used.broken), seconds(used.maintenance),
      seconds(used.free));
}

struct PastPage {
  std::vector<model::Lease> leases;
  std::optional<std::string> next;
};

Result<PastPage> past_page(Context& context, const Call& call) {
  return read(context, [&](store::Session& session) -> Result<PastPage> {
    BATON_TRY(environment, engine::get_environment(session, call.args[0]));
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, integer_cursor(call));
    BATON_TRY(found,
              store::past_leases(session, environment.name, cursor.value_or(0), limit + 1));
    const auto next = cut_page(found, limit, &model::Lease::seq);
    return PastPage{std::move(found), next};
  });
}

}  // namespace

Async environment_history(Context& context, Call& call) {
  auto past = past_page(context, call);
  if (!past) co_return tl::unexpected(past.error());
  const HeardOf heard = co_await heard_of(context, past->leases);
  co_return read(context, [&](store::Session& session) -> Answer {
    Page page(context, call);
    for (model::Lease& lease : past->leases) {
      BATON_TRY(status, status_in(session, context.clock().at, heard, std::move(lease)));
      write_lease(page.items(), status, {});
    }
    return page.finish(past->next);
  });
}

Async environment_utilisation(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(environment, engine::get_environment(session, call.args[0]));
    const TimePoint now = context.clock().wall;
    BATON_TRY(span, span_of(call, now));
    const std::string_view format = call.query("format");
    if (!format.empty() && format != "json" && format != "csv")
      return fail(Code::invalid, "format=\"{}\" must be json or csv", format);
    BATON_TRY(used, engine::utilisation(session, environment, {span.from, span.to, now}));
    if (format == "csv")
      return net::reply(200, "text/csv; charset=utf-8", to_csv(environment.name, span, used));
    return json_reply(200, to_json(environment.name, span, used));
  });
}

}  // namespace baton::api
