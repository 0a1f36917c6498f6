// SPDX-License-Identifier: MIT
#include "api/heard_of.h"

#include "api/submit.h"

namespace baton::api {

boost::asio::awaitable<HeardOf> heard_of(Context& context,
                                         const std::vector<model::Lease>& leases) {
  std::vector<std::string> ids;
  for (const model::Lease& lease : leases)
    if (lease.state == model::LeaseState::held && lease.ttl.count() > 0) ids.push_back(lease.id);
  if (ids.empty()) co_return HeardOf{};
  engine::Operation<HeardOf> operation =
      [ids = std::move(ids)](engine::Context& c) -> Result<HeardOf> {
    HeardOf heard;
    for (const std::string& id : ids) heard[id] = c.beats.of(id);
    return heard;
  };
  auto heard = co_await look<HeardOf>(context, std::move(operation));
  if (!heard) co_return HeardOf{};
  co_return *std::move(heard);
}

Result<engine::LeaseStatus> status_in(store::Session& session, TimePoint at, const HeardOf& heard,
                                      model::Lease lease) {
  const auto found = heard.find(lease.id);
  const engine::Beats::Beat beat = found == heard.end() ? engine::Beats::Beat{} : found->second;
  return engine::status_of(session, at, beat, std::move(lease));
}

}  // namespace baton::api
