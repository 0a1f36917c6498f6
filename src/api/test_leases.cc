// SPDX-License-Identifier: MIT
#include "api/test_leases.h"

#include <boost/json/parse.hpp>

#include <thread>

namespace baton::api {

Reply acquire(TestServer& server, std::string_view environment, std::string_view holder,
              std::string_view more) {
  return server.post("/api/v1/leases",
                     fmt::format(R"({{"environment":"{}","holder":{{"name":"{}"}}{}}})",
                                 environment, holder, more));
}

Reply renew(TestServer& server, const Reply& lease) {
  return server.post(path_of(lease, "/renew"), fence_of(lease));
}

std::future<Reply> ask_beside(TestServer& server, const Reply& lease, std::string_view query) {
  net::HttpRequest request;
  request.url = server.url() + path_of(lease, query);
  request.headers = {{"X-API-KEY", server.secret("operator")}};
  return std::async(std::launch::async, [request] {
    net::Client client;
    Reply reply;
    const auto response = client.request(request);
    if (!response) return ADD_FAILURE() << response.error().message, reply;
    reply.status = response->status;
    reply.text = response->body;
    reply.json = boost::json::parse(response->body);
    return reply;
  });
}

void until_waiting(TestServer& server, std::size_t count) {
  while (server.context().watch.waiting() < count) std::this_thread::yield();
}

std::string path_of(const Reply& lease, std::string_view rest) {
  return fmt::format("/api/v1/leases/{}{}", lease.string("id"), rest);
}

std::string fence_of(const Reply& lease) {
  return fmt::format(R"({{"fence":{}}})", lease.integer("fence"));
}

}  // namespace baton::api
