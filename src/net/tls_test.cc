// SPDX-License-Identifier: MIT
// The server behind TLS, with a certificate made here, spoken to by the client of this room.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "net/client.h"
#include "net/key_pin.h"
#include "net/test_support.h"

namespace baton::net {
namespace {

/// Writes a key and a certificate for `name` that signs itself.
void make_certificate(const TlsOptions& files, const char* name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::string names = std::string{"DNS:"} + name;
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, names.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_sign(certificate, key, EVP_sha256());
  FILE* file = std::fopen(files.certificate_file.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(files.key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_EXTENSION_free(extension);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

struct Fixture {
  ScratchFolder folder;
  ServerOptions options = local_options();
  Fixture() {
    options.tls = TlsOptions{folder / "cert.pem", folder / "key.pem"};
    make_certificate(*options.tls, "localhost");
  }
  HttpRequest request(const Server& server, std::string_view path) const {
    HttpRequest request;
    request.url = fmt::format("https://localhost:{}{}", server.port(), path);
    request.ca_file = options.tls->certificate_file;
    return request;
  }
};

TEST(Tls, requests_and_large_bodies_pass_both_ways) {
  const Fixture fixture;
  const Admit large = [](const RequestHead&) { return Admission{.body = {.max_bytes = 64 << 20}}; };
  const auto server = serve(
      [](Request request) -> asio_response {
        EXPECT_TRUE(request.tls);
        co_return reply(200, "application/octet-stream", request.body);
      },
      fixture.options, large);
  EXPECT_TRUE(server->url().starts_with("https://127.0.0.1:"));
  Client client;
  HttpRequest request = fixture.request(*server, "/");
  for (int i = 0; i < 3; ++i) {
    request.method = "POST";
    request.body.assign(3'000'000, static_cast<char>('a' + i));
    const auto response = client.request(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(request.body, response->body);
  }
  EXPECT_EQ(1U, server->stats().connections_total);
}

TEST(Tls, files_and_streams_pass) {
  const Fixture fixture;
  const std::string path = fixture.folder / "file";
  const std::string content(1'000'003, 'f');
  std::ofstream(path) << content;
  const auto server = serve(
      [&](Request request) -> asio_response {
        Response response = reply(200);
        if (request.path == "/file") {
          std::FILE* file = std::fopen(path.c_str(), "r");
          response.body = FileBody{Fd{::dup(::fileno(file))}, 3, content.size() - 3};
          std::fclose(file);
        } else {
          response.body = StreamBody([](Sink sink) -> boost::asio::awaitable<void> {
            for (int i = 0; i < 1000; ++i) co_await sink.write("0123456789");
          });
        }
        co_return response;
      },
      fixture.options);
  Client client;
  EXPECT_EQ(content.substr(3), client.request(fixture.request(*server, "/file"))->body);
  EXPECT_EQ(10'000U, client.request(fixture.request(*server, "/stream"))->body.size());
}

TEST(Tls, a_parked_handler_learns_that_the_client_went) {
  const Fixture fixture;
  std::atomic<int> went{0};
  const auto server = serve(
      [&went](Request request) -> asio_response {
        Gate gate;
        const Wake why = co_await gate.wait(kForever, request.caller);
        if (why == Wake::gone) ++went;
        co_return reply(200);
      },
      fixture.options);
  Client client;
  HttpRequest request = fixture.request(*server, "/");
  request.total_timeout = Duration{200};
  EXPECT_EQ(Code::timeout, client.request(request).error().code);
  EXPECT_TRUE(eventually([&] { return went == 1; }));
}

TEST(Tls, a_client_checks_the_certificate) {
  const Fixture fixture;
  const auto server = serve(echo(), fixture.options);
  Client client;
  HttpRequest request = fixture.request(*server, "/");
  request.ca_file.clear();
  EXPECT_EQ(Code::unreachable, client.request(request).error().code);
  request.url = server->url() + '/';  // 127.0.0.1 is not in the certificate
  request.ca_file = fixture.options.tls->certificate_file;
  const auto refused = client.request(request);
  EXPECT_EQ(Code::unreachable, refused.error().code);
  EXPECT_NE(std::string::npos, refused.error().message.find("127.0.0.1"));
  EXPECT_NE(std::string::npos, refused.error().fix.find("certificate"));
  request.untrusted = Code::unauthenticated;
  EXPECT_EQ(Code::unauthenticated, client.request(request).error().code);
  request.verify_tls = false;
  EXPECT_TRUE(client.request(request));
}

TEST(Tls, plain_text_and_silence_are_cut) {
  Fixture fixture;
  fixture.options.limits.header_timeout = Duration{100};
  const auto server = serve(echo(), fixture.options);
  RawClient plain(server->port());
  plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(0, status_of(plain.read_to_end()));
  RawClient silent(server->port());
  EXPECT_TRUE(silent.is_closed_by_server());
}

TEST(Tls, bad_files_are_refused_at_start) {
  const Fixture fixture;
  ServerOptions options = fixture.options;
  options.tls->key_file = fixture.folder / "missing";
  EXPECT_EQ(Code::invalid, Server(options, echo()).start().error().code);
  options = fixture.options;
  options.tls->certificate_file = fixture.options.tls->key_file;
  EXPECT_EQ(Code::invalid, Server(options, echo()).start().error().code);
  options = fixture.options;
  options.tls->key_file = fixture.folder / "other-key.pem";
  make_certificate({fixture.folder / "other.pem", options.tls->key_file}, "localhost");
  const auto mismatch = Server(options, echo()).start();
  EXPECT_EQ(Code::invalid, mismatch.error().code);
  EXPECT_FALSE(mismatch.error().fix.empty());
}

TEST(Tls, a_pinned_key_needs_neither_an_authority_nor_the_name) {
  const Fixture fixture;
  const auto server = serve(
      [](Request) -> asio_response { co_return reply(200, "text/plain", "ok"); }, fixture.options);
  const auto pin = key_pin_of(fixture.options.tls->certificate_file);
  ASSERT_TRUE(pin);
  HttpRequest request;
  request.url = server->url() + "/";  // 127.0.0.1, which the certificate does not name
  Client client;
  EXPECT_EQ(client.request(request).error().code, Code::unreachable);
  request.pinned_key = *pin;
  EXPECT_TRUE(client.request(request));

  const Fixture other;
  request.pinned_key = key_pin_of(other.options.tls->certificate_file).value();
  EXPECT_EQ(Client{}.request(request).error().code, Code::unreachable);
  EXPECT_EQ(key_pin_of("/nonexistent").error().code, Code::invalid);
}

}  // namespace
}  // namespace baton::net
