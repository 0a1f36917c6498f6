// SPDX-License-Identifier: MIT
// Tokens and the audit. A secret leaves the server once, in the answer that made it.
#include <charconv>

#include "api/audit.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/submit.h"
#include "engine/token_ops.h"
#include "store/token_table.h"
#include "wire/json_reader.h"
#include "wire/page.h"
#include "wire/token_json.h"

namespace baton::api {
namespace {

// 160 bits; the prefix lets secret scanners recognise it.
constexpr std::size_t kSecretBytes = 20;
constexpr std::string_view kSecretPrefix = "btn_";

std::string token_body(const model::Token& token, std::string_view secret) {
  wire::JsonWriter out;
  wire::write_token(out, token, secret);
  return out.take();
}

std::string id_of(std::string_view body) {
  std::string id;
  const auto read = wire::read_json(
      body, [&](wire::JsonFields& f) { f.text("id", id); }, wire::Unknown::skip);
  return read ? id : "";
}

// The stored answer begins {"id":"tok_…"; the secret goes behind it, as write_token places it.
std::string with_secret(std::string body, const std::string& id, std::string_view secret) {
  if (secret.empty()) return body;
  const std::string head = fmt::format(R"({{"id":"{}")", id);
  return head + fmt::format(R"(,"token":"{}")", secret) + body.substr(head.size());
}

// Where a token stands in the list: newest first, then by id.
using TokenPlace = std::pair<std::int64_t, std::string>;

TokenPlace place_of(const model::Token& token) { return {-to_ms(token.created_at), token.id}; }

// The place that the cursor names. The token itself may be gone by now.
Result<std::optional<TokenPlace>> token_place_of(const std::optional<std::string>& cursor) {
  if (!cursor) return std::nullopt;
  const std::size_t space = cursor->find(' ');
  std::int64_t ms = 0;
  const auto [end, ec] = std::from_chars(cursor->data(), cursor->data() + cursor->size(), ms);
  if (space == std::string::npos || ec != std::errc{} || end != cursor->data() + space)
    return fail(Code::invalid, "the cursor is of another list");
  return TokenPlace{-ms, cursor->substr(space + 1)};
}

}  // namespace

Async create_token(Context& context, Call& call) {
  auto request = wire::parse_token_request(call.request.body, context.clock().wall);
  if (!request) co_return tl::unexpected(request.error());
  const std::string secret = std::string{kSecretPrefix} + random_hex(kSecretBytes);
  engine::NewToken token;
  token.name = request->name;
  token.scope = request->scope;
  token.expires_at = request->expires_at;
  token.hash = engine::hash_of_secret(secret);
  PostOperation operation =
      [token, actor = actor_of(call)](engine::Context& c) -> Result<store::StoredAnswer> {
    BATON_TRY(made, engine::create_token(c, token));
    BATON_TRY_VOID(audit(c, actor, "token.create", "token:" + made.id));
    return store::StoredAnswer{201, "/api/v1/tokens/" + made.id, token_body(made, "")};
  };
  Post post{.scope = "tokens"};
  auto answer = co_await submit_post(context, call, std::move(post), std::move(operation));
  if (!answer) co_return answer;
  auto& body = std::get<std::string>(answer->body);
  const std::string id = id_of(body);
  if (answer->headers.find("Idempotency-Replayed") == nullptr)
    context.recent_secrets.remember(id, secret);
  body = with_secret(std::move(body), id, context.recent_secrets.find(id));
  co_return answer;
}

Async list_tokens(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, text_cursor(call));
    BATON_TRY(after, token_place_of(cursor));
    BATON_TRY(tokens, store::list_tokens(session));
    Page page(context, call);
    std::optional<std::string> next;
    int shown = 0;
    const model::Token* last = nullptr;
    for (const model::Token& token : tokens) {
      if (after && place_of(token) <= *after) continue;
      if (shown++ == limit) {
        next = wire::encode_cursor(fmt::format("{} {}", to_ms(last->created_at), last->id));
        break;
      }
      wire::write_token(page.items(), token, "");
      last = &token;
    }
    return page.finish(next);
  });
}

Async delete_token(Context& context, Call& call) {
  engine::Operation<bool> operation = [id = call.args[0],
                                       actor = actor_of(call)](engine::Context& c) -> Result<bool> {
    BATON_TRY_VOID(engine::revoke_token(c, id));
    BATON_TRY_VOID(audit(c, actor, "token.revoke", "token:" + id));
    return true;
  };
  auto done = co_await submit<bool>(context, std::move(operation));
  if (!done) co_return tl::unexpected(done.error());
  context.tokens.forget();
  context.recent_secrets.forget(call.args[0]);
  co_return net::reply(204);
}

Async list_audit(Context& context, Call& call) {
  co_return read(context, [&](store::Session& session) -> Answer {
    BATON_TRY(limit, page_limit(call));
    BATON_TRY(cursor, integer_cursor(call));
    BATON_TRY(entries, store::list_audit(session, cursor.value_or(0), limit + 1));
    const auto next = cut_page(entries, limit, &model::AuditEntry::id);
    Page page(context, call);
    for (const model::AuditEntry& entry : entries) wire::write_audit_entry(page.items(), entry);
    return page.finish(next);
  });
}

Async whoami(Context&, Call& call) {
  wire::JsonWriter out;
  out.begin_object().field("name", call.who.actor).field("scope", name_of(call.who.scope));
  out.field_if("token", call.who.token_id);
  co_return json_reply(200, out.end_object().take());
}

}  // namespace baton::api
