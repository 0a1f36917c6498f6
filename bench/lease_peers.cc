// SPDX-License-Identifier: MIT
#include "lease_peers.h"

#include <libpq-fe.h>

#include <string_view>

#include "http_call.h"

namespace baton::bench {
namespace {

class BatonPeer final : public Peer {
 public:
  BatonPeer(const Target& target, const std::string& name) : http_(target.address, target.token) {
    const std::string common = "{\"environment\":\"" + name +
                               "\",\"holder\":{\"name\":\"client " + std::to_string(++made) +
                               "\"},\"ttl\":\"10m\",\"wait\":\"";
    at_once_ = common + "0s\"}";
    waiting_ = common + "10m\"}";
  }
  void acquire() override { know(http_.call("POST", "/api/v1/leases", at_once_)); }
  void release() override {
    http_.call("DELETE", "/api/v1/leases/" + id_, "{\"fence\":" + fence_ + "}");
  }
  void ask() override {
    const std::string answer = http_.call("POST", "/api/v1/leases", waiting_);
    id_ = member(answer, "id");
  }
  void wait() override {
    std::string answer;
    do answer = http_.call("GET", "/api/v1/leases/" + id_ + "?wait=60s", "");
    while (member(answer, "state") == "queued");
    know(answer);
  }

 private:
  void know(const std::string& answer) {
    id_ = member(answer, "id");
    fence_ = member(answer, "fence");
  }
  static inline int made = 0;
  Http http_;
  std::string at_once_, waiting_, id_, fence_;
};

class RedisPeer final : public Peer {
 public:
  RedisPeer(const Target& target, const std::string& name) : line_(target.address) {
    take_ = command({"SET", name, "me", "NX", "PX", "600000"});
    give_ = command({"EVAL",
                     "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) "
                     "else return 0 end",
                     "1", name, "me"});
  }
  void acquire() override {
    line_.send(take_);
    if (line_.until("\r\n") != "+OK\r\n") give_up("redis did not set the key");
  }
  void release() override {
    line_.send(give_);
    if (line_.until("\r\n") != ":1\r\n") give_up("redis did not delete the key");
  }

 private:
  static std::string command(std::initializer_list<std::string> words) {
    std::string text = "*" + std::to_string(words.size()) + "\r\n";
    for (const auto& word : words)
      text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    return text;
  }
  Line line_;
  std::string take_, give_;
};

class PostgresPeer final : public Peer {
 public:
  PostgresPeer(const Target& target, const std::string& name)
      : connection_(PQconnectdb(target.address.c_str())), name_(name) {
    if (PQstatus(connection_) != CONNECTION_OK) give_up(PQerrorMessage(connection_));
    const char* const values[] = {name_.c_str()};
    done(PQexecParams(connection_, "INSERT INTO locks (name) VALUES ($1) ON CONFLICT DO NOTHING", 1,
                      nullptr, values, nullptr, nullptr, 0));
    done(PQprepare(connection_, "take",
                   "UPDATE locks SET holder = 'me', until = now() + interval '10 min' WHERE name = "
                   "$1 AND (holder IS NULL OR until < now())",
                   1, nullptr));
    done(PQprepare(connection_, "give",
                   "UPDATE locks SET holder = NULL WHERE name = $1 AND holder = 'me'", 1, nullptr));
  }
  ~PostgresPeer() override { PQfinish(connection_); }
  PostgresPeer(const PostgresPeer&) = delete;
  PostgresPeer& operator=(const PostgresPeer&) = delete;

  void acquire() override { one_row("take"); }
  void release() override { one_row("give"); }

 private:
  void done(PGresult* result) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) give_up(PQerrorMessage(connection_));
    PQclear(result);
  }
  void one_row(const char* statement) {
    const char* const values[] = {name_.c_str()};
    PGresult* result =
        PQexecPrepared(connection_, statement, 1, values, nullptr, nullptr, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK || std::string_view(PQcmdTuples(result)) != "1")
      give_up(std::string("postgres: ") + statement + ": " + PQerrorMessage(connection_));
    PQclear(result);
  }
  PGconn* connection_;
  std::string name_;
};

// Over its JSON gateway: HTTP like Baton. A client over gRPC saves some of that.
class EtcdPeer final : public Peer {
 public:
  EtcdPeer(const Target& target, const std::string& name) : http_(target.address, "") {
    const std::string key = base64(name);
    take_ = R"({"compare":[{"key":")" + key +
            R"(","target":"CREATE","create_revision":"0"}],"success":[{"requestPut":{"key":")" +
            key + R"(","value":"bWU="}}]})";
    give_ = R"({"key":")" + key + R"("})";
  }
  void acquire() override {
    if (http_.call("POST", "/v3/kv/txn", take_).find("\"succeeded\":true") == std::string::npos)
      give_up("etcd did not put the key");
  }
  void release() override { http_.call("POST", "/v3/kv/deleterange", give_); }

 private:
  static std::string base64(std::string_view text) {
    static constexpr char kDigits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
      unsigned bits = 0;
      for (std::size_t j = 0; j < 3; ++j)
        bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
      for (std::size_t j = 0; j < 4; ++j)
        out += i + j <= text.size() ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
    }
    return out;
  }
  Http http_;
  std::string take_, give_;
};

class FloorPeer final : public Peer {
 public:
  FloorPeer(const Target& target, const std::string& name)
      : line_(target.address), take_("A " + name + "\n"), give_("R " + name + "\n") {}
  void acquire() override {
    ask();
    wait();
  }
  void release() override {
    line_.send(give_);
    wait();
  }
  void ask() override { line_.send(take_); }
  void wait() override { line_.until("\n"); }

 private:
  Line line_;
  std::string take_, give_;
};

}  // namespace

std::unique_ptr<Peer> connect_to(const Target& target, const std::string& name) {
  if (target.system == "baton") return std::make_unique<BatonPeer>(target, name);
  if (target.system == "redis") return std::make_unique<RedisPeer>(target, name);
  if (target.system == "postgres") return std::make_unique<PostgresPeer>(target, name);
  if (target.system == "etcd") return std::make_unique<EtcdPeer>(target, name);
  if (target.system == "floor") return std::make_unique<FloorPeer>(target, name);
  give_up("there is no system " + target.system);
}

}  // namespace baton::bench
