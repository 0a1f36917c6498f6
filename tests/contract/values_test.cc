// SPDX-License-Identifier: MIT
// Values go in and come out alike in every backend.
#include <limits>

#include "backends.h"

namespace baton::contract {
namespace {

using store::Value;

class Values : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    execute({store().dialect() == store::Dialect::sqlite
                 ? "CREATE TABLE v (k BIGINT PRIMARY KEY, i BIGINT, r DOUBLE PRECISION, t TEXT)"
                 : "CREATE TABLE v (k BIGINT PRIMARY KEY, i BIGINT, r DOUBLE PRECISION, "
                   "t TEXT COLLATE \"C\")"});
  }
  Value round_trip(const char* column, const Value& value) {
    const std::string insert = fmt::format("INSERT INTO v (k, {}) VALUES (?, ?)", column);
    const auto stored =
        commit([&](store::Tx& tx) { return tx.sql().exec(insert, {++key_, value}); });
    EXPECT_TRUE(stored) << stored.error().message;
    auto snapshot = store().snapshot();
    const auto rows = snapshot->sql().query(
        fmt::format("SELECT {} FROM v WHERE k = ?", column), {key_});
    EXPECT_TRUE(rows) << rows.error().message;
    return rows->at(0).value(0);
  }
  std::int64_t key_ = 0;
};

TEST_P(Values, integers_keep_all_64_bits) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 53, (std::int64_t{1} << 53) + 1,
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()})
    EXPECT_EQ(round_trip("i", value), Value(value));
}

TEST_P(Values, reals_keep_every_bit) {
  for (const double value : {0.1, -1.0 / 3, 1e300, 5e-324, 0.1 + 0.2, 2.0})
    EXPECT_EQ(round_trip("r", value), Value(value));
}

TEST_P(Values, null_is_not_empty) {
  EXPECT_EQ(round_trip("t", Value()), Value());
  EXPECT_EQ(round_trip("t", std::string()), Value(std::string()));
  EXPECT_EQ(round_trip("i", Value()), Value());
}

TEST_P(Values, text_keeps_every_character) {
  std::string every;
  for (char c = 1; c > 0 && c < 127; ++c) every += c;
  for (const std::string& text :
       {every, std::string("Gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), std::string("' \" \\ ? $1 %"),
        std::string(3 << 20, 'x')})
    EXPECT_EQ(round_trip("t", text), Value(text));
}

TEST_P(Values, text_that_is_not_utf8_is_repaired) {
  EXPECT_EQ(round_trip("t", std::string("a\0b", 3)), Value(std::string("a\xEF\xBF\xBD" "b")));
  EXPECT_EQ(round_trip("t", std::string("a\xFF")), Value(std::string("a\xEF\xBF\xBD")));
}

TEST_P(Values, text_sorts_by_bytes) {
  const auto stored = commit([](store::Tx& tx) -> Result<void> {
    std::int64_t key = 100;
    for (const char* text : {"b", "a", "B", "_", "\xC3\xA4", "a b", "aB"}) {
      BATON_TRY_VOID(
          tx.sql().exec("INSERT INTO v (k, t) VALUES (?, ?)", {++key, std::string(text)}));
    }
    return {};
  });
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(read("SELECT t FROM v ORDER BY t"), "B;_;a;a b;aB;b;\xC3\xA4");
}

TEST_P(Values, question_marks_in_quotes_are_text) {
  auto snapshot = store().snapshot();
  const auto rows = snapshot->sql().query("SELECT 'a?b' AS \"c?\", ? + 1",
                                          {std::int64_t{5'000'000'000}});
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(text_of(*rows), "a?b|5000000001");
}

TEST_P(Values, sums_and_counts_are_integers) {
  execute({"INSERT INTO v (k, i, r) VALUES (1, 4, 0.5)", "INSERT INTO v (k, i) VALUES (2, 5)"});
  EXPECT_EQ(read("SELECT count(*), sum(i), sum(r), max(i), avg(r) FROM v"), "2|9|0.5|5|0.5");
  EXPECT_EQ(read("SELECT i FROM v WHERE k = 99"), "");
}

TEST_P(Values, the_same_statement_takes_other_types_of_parameters) {
  constexpr const char* kInsert = "INSERT INTO v (k, i, r, t) VALUES (?, ?, ?, ?)";
  const auto stored = commit([&](store::Tx& tx) -> Result<void> {
    BATON_TRY_VOID(
        tx.sql().exec(kInsert, {std::int64_t{1}, std::int64_t{1}, 1.5, std::string("a")}));
    BATON_TRY_VOID(tx.sql().exec(kInsert, {std::int64_t{2}, Value(), Value(), Value()}));
    BATON_TRY_VOID(tx.sql().exec(kInsert, {std::int64_t{3}, Value(), 2.5, Value()}));
    return {};
  });
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(read("SELECT i, r, t FROM v ORDER BY k"), "1|1.5|a;NULL|NULL|NULL;NULL|2.5|NULL");
}

TEST_P(Values, more_statements_than_the_cache_holds) {
  auto snapshot = store().snapshot();
  for (int i = 0; i < static_cast<int>(store::kStatementsCachedMax) + 50; ++i) {
    const auto rows = snapshot->sql().query(fmt::format("SELECT {}, ?", i), {std::int64_t{i}});
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(text_of(*rows), fmt::format("{}|{}", i, i));
  }
}

INSTANTIATE_TEST_SUITE_P(Store, Values,
                         ::testing::Values(Backend::sqlite_memory, Backend::sqlite_disk,
                                           Backend::postgres),
                         [](const auto& parameter) { return name_of(parameter.param); });

}  // namespace
}  // namespace baton::contract
