// SPDX-License-Identifier: MIT
#include "shop.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace shop {
namespace {

constexpr int kLooksUntilShipped = 3;

struct Record {
  std::string state;
  int looks = 0;
  int cents = 0;
};

bool load(const std::string& path, Record& record) {
  std::ifstream file(path);
  return static_cast<bool>(file >> record.state >> record.looks >> record.cents);
}

void save(const std::string& path, const Record& record) {
  std::ofstream(path) << record.state << ' ' << record.looks << ' ' << record.cents << '\n';
}

}  // namespace

std::string to_string(State state) {
  switch (state) {
    case State::unknown: return "unknown";
    case State::placed: return "placed";
    case State::shipped: return "shipped";
    case State::refunded: return "refunded";
  }
  return "?";
}

Answer Shop::place(const std::vector<Item>& basket) {
  if (basket.empty()) return {422, ""};
  int cents = 0;
  for (const Item& item : basket) cents += item.cents;
  static int count = 0;
  const std::string order = "o-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  save(path(order), {"placed", 0, cents});
  return {201, order};
}

State Shop::state(const std::string& order) {
  Record record;
  if (!load(path(order), record)) return State::unknown;
  if (record.state == "refunded") return State::refunded;
  save(path(order), {record.state, ++record.looks, record.cents});
  return record.looks < kLooksUntilShipped ? State::placed : State::shipped;
}

bool Shop::refund(const std::string& order) {
  Record record;
  if (!load(path(order), record) || record.state == "refunded") return false;
  record.state = "refunded";
  save(path(order), record);
  return true;
}

void Shop::remove(const std::string& order) { std::filesystem::remove(path(order)); }

std::string Shop::receipt(const std::string& order) const {
  Record record;
  if (!load(path(order), record)) throw std::runtime_error("no order " + order);
  const std::string file = path(order) + ".receipt.txt";
  std::ofstream(file) << "order " << order << "\namount " << record.cents << " cents\nstate "
                      << record.state << '\n';
  return file;
}

int convert(int euro_cents, const std::string& currency) {
  if (currency == "EUR") return euro_cents;
  if (currency == "CHF") return euro_cents * 95 / 100;
  throw std::invalid_argument("no rate for " + currency);
}

}  // namespace shop
