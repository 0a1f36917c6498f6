// SPDX-License-Identifier: MIT
#include "net/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "base/address.h"
#include "base/text.h"
#include "net/text.h"

namespace baton::net {
namespace {

using Clock = std::chrono::steady_clock;

struct CurlFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
  void operator()(FILE* file) const { std::fclose(file); }
};
template <class T>
using Owned = std::unique_ptr<T, CurlFree>;
struct MultiFree {  // curl's types are all void*
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

constexpr std::chrono::milliseconds kPollMax{1'000};

/// One request under way: what curl's callbacks see.
struct Transfer {
  const HttpRequest& request;
  CURL* easy;
  Owned<curl_slist> fields = {};
  Owned<FILE> file = {};
  HttpResponse response = {};
  Clock::time_point last_byte = Clock::now();
  bool head_done = false;
  bool cancelled = false;
  bool too_large = false;
  std::size_t sent = 0;  // of the body text
  bool may_connect = false;             // to one of the addresses at least
  std::optional<Error> refused = {};    // what check_address said of another
  std::array<char, CURL_ERROR_SIZE> trouble{};  // what curl says beyond its code
};

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

bool will_redirect(const Transfer& transfer, long status) {
  return transfer.request.redirects_max > 0 && status >= 300 && status < 400 && status != 304 &&
         transfer.response.headers.find("Location") != nullptr;
}

/// Called once per header line of every response in a chain (100, redirects, the last).
std::size_t on_header(char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  transfer.last_byte = Clock::now();
  const std::string_view line = trim({data, size});
  if (line.starts_with("HTTP/")) {
    transfer.response.headers = {};
    return size;
  }
  if (!line.empty()) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (!transfer.head_done) {  // else a trailer
      transfer.response.headers.add(std::string{trim(line.substr(0, colon))},
                                    std::string{trim(value)});
    }
    return size;
  }
  const long status = status_of(transfer.easy);
  if (status < 200 || transfer.head_done || will_redirect(transfer, status)) return size;
  transfer.head_done = true;
  transfer.response.status = static_cast<int>(status);
  const auto& on_head = transfer.request.on_head;
  if (on_head && !on_head(transfer.response.status, transfer.response.headers)) {
    transfer.cancelled = true;
    return 0;
  }
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  transfer.last_byte = Clock::now();
  if (!transfer.head_done) return size;  // of a redirect
  if (transfer.request.on_data) {
    const bool goes_on = transfer.request.on_data({data, size});
    transfer.last_byte = Clock::now();  // who takes it slowly is no silence of the peer
    if (goes_on) return size;
    transfer.cancelled = true;
    return 0;
  }
  if (transfer.response.body.size() + size > transfer.request.max_response_bytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body.append(data, size);
  return size;
}

std::size_t on_read(char* buffer, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  transfer.last_byte = Clock::now();
  if (transfer.request.body_reader) return transfer.request.body_reader(buffer, size);
  if (transfer.file) {
    const std::size_t count = std::fread(buffer, 1, size, transfer.file.get());
    return count == 0 && std::ferror(transfer.file.get()) != 0 ? CURL_READFUNC_ABORT : count;
  }
  const std::string& body = transfer.request.body;
  const std::size_t count = std::min(size, body.size() - transfer.sent);
  std::memcpy(buffer, body.data() + transfer.sent, count);
  transfer.sent += count;
  return count;
}

/// A kept connection may turn out dead: curl then sends the body again from the start.
int on_seek(void* context, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (transfer.request.body_reader || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  if (!transfer.file) {
    transfer.sent = static_cast<std::size_t>(offset);
    return CURL_SEEKFUNC_OK;
  }
  const auto position = static_cast<off_t>(transfer.request.body_file_offset) + offset;
  const int result = ::fseeko(transfer.file.get(), position, SEEK_SET);
  return result == 0 ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

bool may_connect(Transfer& transfer, const std::string& address) {
  if (!transfer.request.check_address) return true;
  Result<void> checked = transfer.request.check_address(address);
  if (!checked) {
    transfer.refused = std::move(checked).error();
    return false;
  }
  transfer.may_connect = true;
  return true;
}

std::string text_of(const curl_sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address.family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(&address.addr)->sin_addr;
  } else if (address.family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6*>(&address.addr)->sin6_addr;
  }
  if (bytes != nullptr) ::inet_ntop(address.family, bytes, text.data(), text.size());
  return text.data();
}

/// Programs started meanwhile (tests, hooks) must not keep our connections open.
curl_socket_t open_socket(void* context, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!may_connect(transfer, text_of(*address))) return CURL_SOCKET_BAD;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Also for a connection that an earlier request made, which opened no socket now.
int before_request(void* context, char* address, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(context);
  return may_connect(transfer, address) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

// Names below localhost are curl's own: it asks no name server for them (RFC 6761).
bool needs_no_proxy(std::string_view host) {
  return is_loopback_host(host) || host.ends_with(".localhost");
}

constexpr const char* kUrlFix = "write it as http://HOST:PORT or https://HOST:PORT";

Result<std::string> host_of(const std::string& url) {
  const Owned<CURLU> parsed(curl_url());
  char* text = nullptr;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_HOST, &text, 0) != CURLUE_OK) {
    return fail_with_fix(Code::invalid, kUrlFix, "\"{}\" is not a URL", url);
  }
  const Owned<char> host(text);
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return fail_with_fix(Code::invalid, kUrlFix, "\"{}\" is not an http or https URL", url);
  }
  return std::string{host.get()};
}

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  curl_easy_setopt(easy, option, value);
}

Result<void> add_field(Transfer& transfer, const std::string& line) {
  curl_slist* longer = curl_slist_append(transfer.fields.get(), line.c_str());
  if (longer == nullptr) return fail(Code::internal, "out of memory");
  static_cast<void>(transfer.fields.release());
  transfer.fields.reset(longer);
  return {};
}

Result<void> set_headers(Transfer& transfer) {
  for (const Header& field : transfer.request.headers) {
    if (has_control_bytes(field.name) || has_control_bytes(field.value) || field.name.empty()) {
      return fail_with_fix(Code::invalid, "send headers of printable characters",
                           "a request header holds a control character");
    }
    const std::string line =
        field.value.empty() ? field.name + ';' : field.name + ": " + field.value;
    BATON_TRY_VOID(add_field(transfer, line));
  }
  if (transfer.request.headers.find("Content-Type") == nullptr) {
    BATON_TRY_VOID(add_field(transfer, "Content-Type:"));  // else curl invents a form
  }
  set(transfer.easy, CURLOPT_HTTPHEADER, transfer.fields.get());
  return {};
}

Result<void> set_body(Transfer& transfer) {
  const HttpRequest& request = transfer.request;
  CURL* easy = transfer.easy;
  set(easy, CURLOPT_READFUNCTION, on_read);
  set(easy, CURLOPT_READDATA, &transfer);
  set(easy, CURLOPT_SEEKFUNCTION, on_seek);
  set(easy, CURLOPT_SEEKDATA, &transfer);
  curl_off_t size = static_cast<curl_off_t>(request.body.size());
  if (!request.body_file.empty()) {
    transfer.file.reset(std::fopen(request.body_file.c_str(), "rbe"));
    FILE* file = transfer.file.get();
    if (file == nullptr || ::fseeko(file, 0, SEEK_END) != 0) {
      return fail_with_fix(Code::invalid, "name a file that can be read", "cannot read {}: {}",
                           request.body_file, std::strerror(errno));
    }
    const auto offset = static_cast<off_t>(request.body_file_offset);
    size = std::max<curl_off_t>(0, ::ftello(file) - offset);
    ::fseeko(file, offset, SEEK_SET);
  }
  if (request.method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
    return {};
  }
  const bool always = request.method == "POST" || request.method == "PUT";
  if (size > 0 || request.body_reader || always) {
    set(easy, CURLOPT_POST, 1L);  // with a read function: the body comes from there
    if (request.body_reader_size) size = static_cast<curl_off_t>(*request.body_reader_size);
    if (!request.body_reader || request.body_reader_size) {
      set(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    } else {
      BATON_TRY_VOID(add_field(transfer, "Transfer-Encoding: chunked"));
    }
  }
  set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  return {};
}

long as_ms(Duration duration) {
  constexpr Duration kLongest = std::chrono::hours(24 * 20);  // fits a long of 32 bits
  return duration >= kLongest ? 0L : static_cast<long>(std::max<std::int64_t>(1, duration.count()));
}

Result<void> prepare(Transfer& transfer) {
  const HttpRequest& request = transfer.request;
  CURL* easy = transfer.easy;
  BATON_TRY(host, host_of(request.url));
  set(easy, CURLOPT_URL, request.url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  set(easy, CURLOPT_PREREQFUNCTION, before_request);
  set(easy, CURLOPT_PREREQDATA, &transfer);
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_TCP_KEEPIDLE, 15L);
  set(easy, CURLOPT_TCP_KEEPINTVL, 5L);
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, as_ms(request.connect_timeout));
  set(easy, CURLOPT_TIMEOUT_MS, as_ms(request.total_timeout));
  if (request.only_once) set(easy, CURLOPT_FRESH_CONNECT, 1L);
  set(easy, CURLOPT_HEADERFUNCTION, on_header);
  set(easy, CURLOPT_HEADERDATA, &transfer);
  set(easy, CURLOPT_WRITEFUNCTION, on_body);
  set(easy, CURLOPT_WRITEDATA, &transfer);
  if (needs_no_proxy(host) || !request.unix_socket.empty() || request.check_address)
    set(easy, CURLOPT_PROXY, "");
  if (!request.unix_socket.empty()) {
    set(easy, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  }
  if (request.redirects_max > 0) {
    set(easy, CURLOPT_FOLLOWLOCATION, 1L);
    set(easy, CURLOPT_MAXREDIRS, static_cast<long>(request.redirects_max));
  }
  if (!request.ca_file.empty()) {
    set(easy, CURLOPT_CAINFO, request.ca_file.c_str());
    set<const char*>(easy, CURLOPT_CAPATH, nullptr);  // else the system's authorities count as well
  }
  set(easy, CURLOPT_ERRORBUFFER, transfer.trouble.data());
  if (!request.pinned_key.empty())
    set(easy, CURLOPT_PINNEDPUBLICKEY, request.pinned_key.c_str());
  if (!request.verify_tls || !request.pinned_key.empty()) {
    set(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  BATON_TRY_VOID(set_body(transfer));
  return set_headers(transfer);
}

Error error_of(const Transfer& transfer, CURLcode code) {
  const std::string& url = transfer.request.url;
  const std::string what = fmt::format("{}: {}", url, curl_easy_strerror(code));
  const bool stopped = code == CURLE_ABORTED_BY_CALLBACK;  // a kept connection was refused
  if (transfer.refused && (stopped || !transfer.may_connect)) return *transfer.refused;
  if (transfer.cancelled) return {Code::gone, fmt::format("{}: cancelled", url)};
  if (transfer.too_large) {
    return {Code::too_large, fmt::format("{}: the answer is longer than {} bytes", url,
                                         transfer.request.max_response_bytes)};
  }
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
      code == CURLE_READ_ERROR) {
    return {Code::invalid, what};
  }
  if (code == CURLE_SSL_CACERT_BADFILE)
    return {Code::invalid,
            fmt::format("{}: the authorities {} cannot be read", url, transfer.request.ca_file)};
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    return {transfer.request.untrusted, fmt::format("{}: {}", url, transfer.trouble.data()),
            "check the name and the dates of the server's certificate, and who signed it"};
  }
  curl_off_t connected = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_CONNECT_TIME_T, &connected);
  if (code == CURLE_OPERATION_TIMEDOUT && connected > 0) return {Code::timeout, what};
  return {Code::unreachable, what, "check the address, and that the server runs"};
}

/// Drives the transfer until it ends, is cancelled or falls silent.
Result<void> drive(CURLM* multi, Transfer& transfer) {
  const Duration idle = transfer.request.idle_timeout;
  const bool has_idle = idle < std::chrono::hours(24 * 365);
  int running = 1;
  while (true) {
    curl_multi_perform(multi, &running);
    if (transfer.request.stop.stop_requested()) {
      return fail(Code::gone, "{}: cancelled", transfer.request.url);
    }
    if (running == 0) break;
    auto wait = kPollMax;
    if (has_idle) {
      const auto quiet = std::chrono::ceil<Duration>(Clock::now() - transfer.last_byte);
      if (quiet >= idle) {
        return fail(Code::timeout, "{}: nothing came for {} ms", transfer.request.url,
                    idle.count());
      }
      wait = std::min<std::chrono::milliseconds>(wait, idle - quiet);
    }
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi, &left);
  const CURLcode code = message == nullptr ? CURLE_RECV_ERROR : message->data.result;
  if (code != CURLE_OK) return tl::unexpected(error_of(transfer, code));
  return {};
}

}  // namespace

struct Client::State {
  std::unique_ptr<CURLM, MultiFree> multi;
};

Client::Client() : state_(std::make_unique<State>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  state_->multi.reset(curl_multi_init());
}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<HttpResponse> Client::request(const HttpRequest& request) {
  CURLM* multi = state_->multi.get();
  const Owned<CURL> easy(curl_easy_init());
  if (multi == nullptr || !easy) return fail(Code::internal, "libcurl cannot be initialised");
  Transfer transfer{.request = request, .easy = easy.get()};
  BATON_TRY_VOID(prepare(transfer));
  curl_multi_add_handle(multi, easy.get());
  Result<void> driven;
  {
    const std::stop_callback wake(request.stop, [multi] { curl_multi_wakeup(multi); });
    driven = drive(multi, transfer);
  }
  curl_multi_remove_handle(multi, easy.get());
  if (!driven) return tl::unexpected(std::move(driven).error());
  return std::move(transfer.response);
}

}  // namespace baton::net
