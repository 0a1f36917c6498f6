// SPDX-License-Identifier: MIT
// bench_floor FILE: a lock server that is as little as one can be and yet durable: a thread per
// connection, one thread that writes what came and syncs it once for all, then the answers. "A
// NAME" takes or waits, "R NAME" gives back; each answer is "ok". What it does not do is Baton's
// business; what it needs for the same is the floor of the figures.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

std::mutex mutex;
std::condition_variable work;
std::string pending;
std::vector<int> answers;
std::map<std::string, std::pair<bool, std::deque<int>>> locks;  // held, who waits

void commit(int file) {
  for (std::unique_lock lock(mutex);; lock.lock()) {
    work.wait(lock, [] { return !pending.empty(); });
    const auto bytes = std::exchange(pending, {});
    const auto whom = std::exchange(answers, {});
    lock.unlock();
    if (write(file, bytes.data(), bytes.size()) < 0 || fdatasync(file) != 0) std::abort();
    for (const int fd : whom)
      if (send(fd, "ok\n", 3, MSG_NOSIGNAL) != 3) std::fputs("an answer was not taken\n", stderr);
  }
}

void serve(int fd) {
  char line[256];
  for (ssize_t size = 0; (size = read(fd, line, sizeof line)) > 0;) {
    const std::lock_guard lock(mutex);
    auto& [held, waiting] = locks[std::string(line + 2, static_cast<std::size_t>(size) - 3)];
    pending.append(line, static_cast<std::size_t>(size));
    const bool waits = line[0] == 'A' && held;
    if (waits) waiting.push_back(fd);
    if (!waits) answers.push_back(fd);
    held = line[0] == 'A' || !waiting.empty();
    if (line[0] == 'R' && !waiting.empty()) {
      answers.push_back(waiting.front());
      waiting.pop_front();
    }
    work.notify_one();
  }
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const int file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (file < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, 1024) != 0)
    return 1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  const std::jthread committer(commit, file);
  std::deque<std::jthread> clients;  // it is killed at its end
  for (int fd = 0; (fd = accept(listener, nullptr, nullptr)) >= 0;) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    clients.emplace_back(serve, fd);
  }
  return 0;
}
