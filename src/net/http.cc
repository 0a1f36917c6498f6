// SPDX-License-Identifier: MIT
#include "net/http.h"

#include <algorithm>

#include "net/caller.h"
#include "net/sink.h"
#include "net/text.h"

namespace baton::net {

void Headers::add(std::string name, std::string value) {
  fields_.push_back({std::move(name), std::move(value)});
}

void Headers::set(std::string name, std::string value) {
  erase(name);
  add(std::move(name), std::move(value));
}

void Headers::erase(std::string_view name) {
  std::erase_if(fields_, [&](const Header& field) { return equal_no_case(field.name, name); });
}

const std::string* Headers::find(std::string_view name) const {
  for (const Header& field : fields_) {
    if (equal_no_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::string_view Headers::get(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? std::string_view{} : std::string_view{*value};
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Header& field : fields_) {
    if (equal_no_case(field.name, name)) values.emplace_back(field.value);
  }
  return values;
}

const std::string* RequestHead::parameter(std::string_view name) const {
  const auto found = std::find_if(query.begin(), query.end(),
                                  [&](const Parameter& each) { return each.name == name; });
  return found == query.end() ? nullptr : &found->value;
}

Response reply(int status, std::string content_type, std::string body) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

Response reply(int status) {
  Response response;
  response.status = status;
  return response;
}

boost::asio::awaitable<bool> Sink::write(std::string bytes) {
  return port_->write(std::move(bytes));
}

boost::asio::awaitable<void> Sink::wait_gone() { return port_->wait_gone(); }

void Sink::cut() { port_->cut(); }

bool Sink::gone() const { return port_->caller().gone(); }

Caller Sink::caller() const { return port_->caller(); }

bool Caller::gone() const { return state_ && state_->gone(); }

bool Caller::draining() const { return state_ && state_->draining(); }

}  // namespace baton::net
