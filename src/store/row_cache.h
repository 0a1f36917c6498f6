// SPDX-License-Identifier: MIT
#pragma once
// What the writing session remembers of rows that only it writes, so that an operation need not
// read and decode them again. Table functions keep it true: a write of such a row goes through
// put() or drop(). Whatever a transaction wrote is forgotten when any of it is rolled back. Readers
// beside the writer have none. One thread, as its session.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/environment.h"
#include "model/lease.h"
#include "store/environment_table.h"

namespace baton::store {

/// Rows of each kind: of those that are asked for all the time. When it is full it is emptied,
/// which costs one reading of each.
inline constexpr std::size_t kRowsCachedMax = 1'024;

template <class T>
class CachedRows {
 public:
  /// Nothing: it has to be read. Valid until the next call of another function.
  T* find(std::string_view key) {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }
  /// A row as it was read.
  void remember(std::string_view key, T row) {
    if (rows_.size() >= kRowsCachedMax) rows_.clear();
    rows_.insert_or_assign(std::string(key), std::move(row));
  }
  /// The row was written.
  void put(std::string_view key, T row) {
    touch(key);
    remember(key, std::move(row));
  }
  /// Written or removed in a way that is not known here.
  void drop(std::string_view key) {
    touch(key);
    if (const auto found = rows_.find(key); found != rows_.end()) rows_.erase(found);
  }
  void drop_all() {
    rows_.clear();
    all_written_ = true;
  }
  /// It is changed in place, through what find() gave.
  void touch(std::string_view key) { written_.emplace_back(key); }

  /// Something of the transaction was rolled back.
  void undo() {
    if (all_written_) rows_.clear();
    for (const std::string& key : written_) rows_.erase(key);
  }
  /// The transaction has ended.
  void end() {
    written_.clear();
    all_written_ = false;
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, T, Hash, std::equal_to<>> rows_;
  std::vector<std::string> written_;  // by the transaction that is open
  bool all_written_ = false;
};

struct RowCache {
  CachedRows<model::Environment> environments;  // by name
  CachedRows<std::vector<SlotRow>> slots;       // of an environment, in order
  CachedRows<model::Lease> leases;              // held ones, by id

  /// Most servers have no booking at all.
  struct Bookings {
    bool none = false;
    bool written = false;  // by the transaction that is open
  } bookings;

  /// Fences that are set aside in the database and not yet given.
  struct Fences {
    std::int64_t last = 0;
    std::int64_t reserved = 0;
    bool written = false;  // by the transaction that is open
  } fences;

  void undo() {
    environments.undo();
    slots.undo();
    leases.undo();
    if (bookings.written) bookings.none = false;
    if (fences.written) fences = {.written = true};
  }
  void end() {
    environments.end();
    slots.end();
    leases.end();
    bookings.written = fences.written = false;
  }
};

}  // namespace baton::store
