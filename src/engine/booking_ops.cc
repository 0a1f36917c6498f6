// SPDX-License-Identifier: MIT
#include "engine/booking_ops.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "engine/deadline_kinds.h"
#include "engine/environment_ops.h"
#include "engine/lease_grant.h"
#include "store/booking_table.h"
#include "store/lease_table.h"

namespace baton::engine {
namespace {

using model::Booking;
using model::Environment;
using model::Window;

// The wall clock may be set while a deadline waits on the steady one: the two are compared this
// often, which bounds how late an edge is noticed then.
constexpr Duration kLookAgain = std::chrono::seconds{50};
constexpr int kPage = 500;

// Tells what is under way, and sets the deadline for the next edge.
Result<void> look(Context& context, Booking& booking) {
  const Now now = context.now;
  BATON_TRY(window, model::window_at(booking, now.wall));
  const bool under_way = window && window->from <= now.wall;
  BATON_TRY_VOID(
      store::tell_window(context.tx, booking, under_way ? window : std::optional<Window>{}));
  const std::string subject = store::booking_subject(booking.id);
  if (!window) return context.tx.clear_deadline(kBookingEdge, subject);
  const TimePoint edge = under_way ? window->to : window->from;
  return context.tx.set_deadline(kBookingEdge, subject,
                                 now.at + std::min(edge - now.wall, kLookAgain));
}

// Those that it concerns and somebody waits for.
Result<std::set<std::string>> waited_for(Context& context, const Booking& booking) {
  store::Session& sql = context.tx.sql();
  std::set<std::string> names;
  if (!booking.environment.empty()) {
    BATON_TRY(waiting, store::has_queue(sql, booking.environment));
    if (waiting) names.insert(booking.environment);
    return names;
  }
  BATON_TRY(queued, store::queued_environments(sql));
  for (const std::string& name : queued) {
    BATON_TRY(environment, store::find_environment(sql, name));
    if (environment && model::concerns(booking, *environment)) names.insert(name);
  }
  return names;
}

Result<void> settle_waiters(Context& context, const Rules& rules, const Booking& booking) {
  BATON_TRY(names, waited_for(context, booking));
  if (names.empty()) return {};
  return settle(context, rules, std::move(names));
}

// Runs `use` on every booking.
template <class Use>
Result<void> for_each(Context& context, const Use& use) {
  std::string after;
  for (;;) {
    BATON_TRY(page, store::list_bookings(context.tx.sql(), after, kPage));
    for (const Booking& booking : page) BATON_TRY_VOID(use(booking));
    if (page.size() < static_cast<std::size_t>(kPage)) return {};
    after = page.back().id;
  }
}

Result<std::vector<Environment>> concerned(Context& context, const Booking& booking) {
  std::vector<Environment> environments;
  if (!booking.environment.empty()) {
    BATON_TRY(environment, get_environment(context.tx.sql(), booking.environment));
    environments.push_back(std::move(environment));
    return environments;
  }
  BATON_TRY(names, environments_with(context.tx.sql(), booking.labels));
  for (const std::string& name : names) {
    BATON_TRY(environment, get_environment(context.tx.sql(), name));
    environments.push_back(std::move(environment));
  }
  return environments;
}

tl::unexpected<Error> overlaps(const Booking& other, const Window& mine, const Window& theirs) {
  const std::string from = format_rfc3339(theirs.from);
  const std::string to = format_rfc3339(theirs.to);
  Error error{Code::conflict,
              fmt::format("the window from {} overlaps the {} {} from {} to {}{}",
                          format_rfc3339(mine.from), name_of(other.kind), other.id, from, to,
                          other.owner.empty() ? "" : " of " + other.owner),
              fmt::format("choose another time, or delete the booking {}", other.id)};
  error.members = fmt::format(R"("booking":{},"owner":{},"from":"{}","to":"{}")",
                              json_quote(other.id), json_quote(other.owner), from, to);
  return tl::unexpected(std::move(error));
}

// Two by labels that share no environment today may do so later: then both keep others out.
Result<void> check_overlaps(Context& context, const Booking& booking,
                            const std::vector<Environment>& environments) {
  return for_each(context, [&](const Booking& other) -> Result<void> {
    const bool same = other.environment.empty() && other.labels == booking.labels;
    const bool shares =
        same || std::any_of(environments.begin(), environments.end(), [&](const Environment& one) {
          return model::concerns(other, one);
        });
    if (!shares) return {};
    BATON_TRY(met, model::first_overlap(booking, other, context.now.wall));
    if (met) return overlaps(other, met->first, met->second);
    return {};
  });
}

Result<void> check_is_to_come(const Context& context, const Booking& booking) {
  BATON_TRY(window, model::window_at(booking, context.now.wall));
  if (window) return {};
  Error error{Code::invalid,
              fmt::format("the booking would never be in force: the server's clock says {}",
                          format_rfc3339(context.now.wall)),
              "state a later time"};
  error.details.push_back({"/to", "is past"});
  return tl::unexpected(std::move(error));
}

}  // namespace

Result<Booking> get_booking(store::Session& session, std::string_view id) {
  BATON_TRY(found, store::find_booking(session, id));
  if (!found)
    return fail_with_fix(Code::not_found, "`GET /api/v1/bookings` lists the bookings",
                         "the booking {} is unknown", json_quote(id));
  return *std::move(found);
}

Result<Booking> create_booking(Context& context, Booking booking, std::string_view by) {
  BATON_TRY_VOID(model::check_booking(booking));
  BATON_TRY_VOID(check_is_to_come(context, booking));
  BATON_TRY(environments, concerned(context, booking));
  BATON_TRY(live, store::live_bookings(context.tx.sql(), context.now.wall));
  if (live >= kBookingsMax)
    return fail_with_fix(Code::limit, "delete those that nobody needs, or use recurrences",
                         "there are {} bookings, as many as there may be", live);
  BATON_TRY_VOID(check_overlaps(context, booking, environments));
  booking.id = context.ids.make("bkg_");
  booking.created_at = context.now.wall;
  booking.created_by = std::string(by);
  booking.under_way.reset();
  BATON_TRY_VOID(store::insert_booking(context.tx, booking));
  BATON_TRY_VOID(look(context, booking));
  return booking;
}

Result<void> delete_booking(Context& context, const Rules& rules, std::string_view id) {
  BATON_TRY(booking, get_booking(context.tx.sql(), id));
  BATON_TRY_VOID(context.tx.clear_deadline(kBookingEdge, store::booking_subject(id)));
  BATON_TRY_VOID(store::remove_booking(context.tx, id));
  return settle_waiters(context, rules, booking);
}

Result<void> delete_bookings_of(Context& context, std::string_view environment) {
  return for_each(context, [&](const Booking& booking) -> Result<void> {
    if (booking.environment != environment) return {};
    BATON_TRY_VOID(context.tx.clear_deadline(kBookingEdge, store::booking_subject(booking.id)));
    return store::remove_booking(context.tx, booking.id);
  });
}

Result<void> booking_due(Context& context, const Rules& rules, std::string_view subject) {
  BATON_TRY(booking, store::find_booking(context.tx.sql(), store::booking_of_subject(subject)));
  if (!booking) return {};
  BATON_TRY_VOID(look(context, *booking));
  // Also when no edge has passed: a clock that was set may have jumped over a whole window, or away
  // from one that a lease would have reached.
  return settle_waiters(context, rules, *booking);
}

Result<void> rearm_bookings(Context& context) {
  // Of those that are over, too: their last window may have passed while the server was down.
  return for_each(context, [&](const Booking& booking) {
    return context.tx.set_deadline(kBookingEdge, store::booking_subject(booking.id),
                                   context.now.at);
  });
}

}  // namespace baton::engine
