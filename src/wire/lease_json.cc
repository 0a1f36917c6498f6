// SPDX-License-Identifier: MIT
#include "wire/lease_json.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "wire/json_reader.h"

namespace baton::wire {
namespace {

constexpr std::size_t kReasonMax = 1'000;

// The caller's own number of what it runs: a text, or a number as it is.
void read_own_number(JsonFields& f, std::string& out) {
  std::string json;
  f.json("run", json);
  const bool number = !json.empty() && std::all_of(json.begin(), json.end(), [](char c) {
    return c >= '0' && c <= '9';
  });
  if (number) {
    out = json;
  } else {
    f.text("run", out);
  }
}

void read_holder(JsonFields& f, model::Holder& holder) {
  f.object("holder", [&](JsonFields& h) {
    h.require("name");
    h.text("name", holder.name);
    h.text("url", holder.url);
    h.text("reason", holder.reason);
    read_own_number(h, holder.run);
  });
}

void read_wants(JsonFields& f, std::vector<model::Want>& wants) {
  if (f.has("environment")) {
    if (f.has("wants")) f.fault("environment", "give it or wants, not both");
    f.text("environment", wants.emplace_back().environment);
    return;
  }
  f.objects("wants", [&](JsonFields& w) {
    model::Want& want = wants.emplace_back();
    w.text("environment", want.environment);
    w.text_map("labels", want.labels);
    w.choice("mode", want.mode, model::parse_lease_mode);
    w.integer("slots", want.slots, 1, model::kSlotsMax);
  });
  if (!f.has("wants")) f.fault("wants", "it is required: which environments are wanted");
}

// A number of one unit that no clock counts to: "1000000h", "99999999999999999999d".
bool is_absurdly_long(std::string_view json) {
  if (json.size() < 3 || parse_duration(json.substr(1, json.size() - 2))) return false;
  json = json.substr(1, json.size() - 2);
  const std::size_t unit = std::min(json.find_first_not_of("0123456789"), json.size());
  static constexpr std::array<std::string_view, 5> kUnits{"d", "h", "m", "s", "ms"};
  return unit > 0 && std::find(kUnits.begin(), kUnits.end(), json.substr(unit)) != kUnits.end();
}

// What is a duration but out of range is told apart from what is none: the former is unprocessable.
void read_ttl(JsonFields& f, std::optional<Duration>& ttl) {
  std::string json;
  f.json("ttl", json);
  if (json.starts_with('-') || json.starts_with("\"-")) {
    ttl = Duration{-1};
  } else if (json == "0") {
    ttl = Duration{0};
  } else if (is_absurdly_long(json)) {
    ttl = Duration::max();
  } else {
    f.duration("ttl", ttl);
  }
}

void read_heir(JsonFields& f, HeirRequest& heir) {
  f.object("to", [&](JsonFields& to) {
    to.text("lease", heir.lease);
    if (to.has("holder")) {
      model::Holder holder;
      read_holder(to, holder);
      heir.holder = std::move(holder);
    }
    if (heir.lease.empty() != heir.holder.has_value())
      to.fault("lease", "give either the waiting lease or the new holder");
  });
}

void read_fence(JsonFields& f, std::int64_t& fence) { f.integer("fence", fence, 0, INT64_MAX); }

void check_line(JsonFields& f, std::string_view name, std::string_view text) {
  if (text.size() > kReasonMax || has_control_bytes(text))
    f.fault(name, fmt::format("must be one line of at most {} bytes", kReasonMax));
}

}  // namespace

Result<model::LeaseRequest> parse_lease_request(std::string_view body) {
  model::LeaseRequest request;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    read_wants(f, request.wants);
    f.require("holder");
    read_holder(f, request.holder);
    read_ttl(f, request.ttl);
    f.duration("wait", request.wait);
    f.integer("priority", request.priority, -model::kPriorityMax, model::kPriorityMax);
    f.text("supersede_key", request.supersede_key);
    f.object("notify", [&](JsonFields& n) {
      n.require("url");
      n.text("url", request.notify_url);
      if (n.has("url") && request.notify_url.empty()) n.fault("url", "it is empty");
    });
  }));
  BATON_TRY_VOID(model::check_lease_request(request));
  return request;
}

Result<std::int64_t> parse_renewal(std::string_view body) {
  std::int64_t fence = 0;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.require("fence");
    read_fence(f, fence);
  }));
  return fence;
}

Result<ReleaseRequest> parse_release(std::string_view body) {
  ReleaseRequest request;
  if (trim(body).empty()) return request;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    if (f.has("fence")) read_fence(f, request.fence.emplace());
    if (f.has("outcome"))
      f.choice("outcome", request.outcome.emplace(), model::parse_lease_outcome);
    f.text("note", request.note);
    check_line(f, "note", request.note);
  }));
  return request;
}

Result<TransferRequest> parse_transfer(std::string_view body) {
  TransferRequest request;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.require("fence");
    read_fence(f, request.fence);
    f.require("to");
    read_heir(f, request.to);
  }));
  return request;
}

Result<RevokeRequest> parse_revocation(std::string_view body) {
  RevokeRequest request;
  BATON_TRY_VOID(read_json(body, [&](JsonFields& f) {
    f.require("reason");
    f.text("reason", request.reason);
    if (f.has("reason") && trim(request.reason).empty())
      f.fault("reason", "it is empty: the holder will read why");
    check_line(f, "reason", request.reason);
    if (f.has("to")) read_heir(f, request.to.emplace());
  }));
  return request;
}

}  // namespace baton::wire
