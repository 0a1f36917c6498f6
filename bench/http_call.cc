// SPDX-License-Identifier: MIT
#include "http_call.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace baton::bench {

void give_up(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

Line::Line(const std::string& port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port.c_str())));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    give_up("nothing listens at port " + port);
  const int one = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

Line::~Line() { ::close(fd_); }

void Line::send(std::string_view bytes) {
  if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
    give_up("a request was not taken");
}

std::string& Line::more() {
  std::array<char, 65'536> bytes;
  const ssize_t size = ::read(fd_, bytes.data(), bytes.size());
  if (size <= 0) give_up("the connection ended; last: " + in_);
  in_.append(bytes.data(), static_cast<std::size_t>(size));
  return in_;
}

std::string Line::until(std::string_view end) {
  std::size_t at = 0;
  while ((at = in_.find(end)) == std::string::npos) more();
  std::string text = in_.substr(0, at + end.size());
  in_.erase(0, at + end.size());
  return text;
}

std::string Line::bytes(std::size_t count) {
  while (in_.size() < count) more();
  std::string text = in_.substr(0, count);
  in_.erase(0, count);
  return text;
}

std::string Http::ask(std::string_view method, const std::string& path, const std::string& body) {
  std::string request(method);
  request += " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  if (!token_.empty()) request += "Authorization: Bearer " + token_ + "\r\n";
  if (!body.empty()) request += "Content-Type: application/json\r\n";
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  line_.send(request);
  std::string head = line_.until("\r\n\r\n");
  status = std::atoi(head.c_str() + 9);
  return head;
}

std::string Http::call(std::string_view method, const std::string& path, const std::string& body) {
  const std::string head = ask(method, path, body);
  const char* length = ::strcasestr(head.c_str(), "content-length:");
  std::string answer = length ? line_.bytes(static_cast<std::size_t>(std::atol(length + 15))) : "";
  if (status >= 300) give_up(std::to_string(status) + " " + answer);
  return answer;
}

std::uint64_t Http::drain(const std::string& path) {
  const std::string head = ask("GET", path, "");
  if (status != 200) give_up(std::to_string(status) + " " + path);
  std::uint64_t total = 0;
  const auto take = [&](std::uint64_t left) {
    total += left;
    while (left > 0) {
      const std::uint64_t piece = std::min<std::uint64_t>(left, 16'384);
      line_.bytes(static_cast<std::size_t>(piece));
      left -= piece;
    }
  };
  if (const char* length = ::strcasestr(head.c_str(), "content-length:")) {
    take(std::strtoull(length + 15, nullptr, 10));
    return total;
  }
  while (const auto size = std::strtoull(line_.until("\r\n").c_str(), nullptr, 16)) {
    take(size);
    line_.until("\r\n");
  }
  line_.until("\r\n");
  return total;
}

std::string member(const std::string& json, const std::string& name) {
  const std::size_t at = json.find("\"" + name + "\":");
  if (at == std::string::npos) give_up("no " + name + " in " + json);
  const std::size_t begin = at + name.size() + 3;
  if (json[begin] == '"') return json.substr(begin + 1, json.find('"', begin + 1) - begin - 1);
  return json.substr(begin, json.find_first_of(",}", begin) - begin);
}

}  // namespace baton::bench
