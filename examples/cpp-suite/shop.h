// SPDX-License-Identifier: MIT
#pragma once
// The system under test: a shop kept in a folder, so that every process sees the same orders. In a
// real suite this file would be the client of a deployed system.
#include <string>
#include <vector>

namespace shop {

struct Item {
  std::string name;
  int cents = 0;
};

struct Answer {
  int status = 0;  // as HTTP has it
  std::string order;
};

enum class State { unknown, placed, shipped, refunded };
std::string to_string(State state);

class Shop {
 public:
  explicit Shop(std::string folder) : folder_(std::move(folder)) {}

  Answer place(const std::vector<Item>& basket);
  /// Orders are shipped when they have been asked about a few times: the warehouse is asynchronous.
  State state(const std::string& order);
  bool refund(const std::string& order);
  void remove(const std::string& order);
  /// The order as a text file; its path.
  std::string receipt(const std::string& order) const;

 private:
  std::string path(const std::string& order) const { return folder_ + "/" + order; }
  std::string folder_;
};

/// An amount in euro cents in another currency, in its cents, by the fixed rates of the test
/// system.
int convert(int euro_cents, const std::string& currency);

}  // namespace shop
