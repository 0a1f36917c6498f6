// SPDX-License-Identifier: MIT
// Stands in for libFuzzer where it is not at hand: replays a corpus, then mutations of it by a
// fixed seed. A crash or a sanitizer's report ends the process; that is the failure.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// Enough to reach the branches next to each corpus entry, few enough to stay below two seconds.
constexpr int kMutationsPerEntry = 200;

void feed(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::size_t below(std::mt19937& random, std::size_t limit) {
  return limit == 0 ? 0 : random() % limit;
}

std::string mutate(std::string text, const std::string& other, std::mt19937& random) {
  const std::size_t rounds = 1 + below(random, 4);
  for (std::size_t i = 0; i < rounds; ++i) {
    const std::size_t at = below(random, text.size() + 1);
    switch (below(random, 5)) {
      case 0: text.insert(at, 1, static_cast<char>(random())); break;
      case 1: text.erase(at, below(random, 8)); break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 3: text.insert(at, text.substr(below(random, text.size() + 1), 64)); break;
      default: text.insert(at, other.substr(below(random, other.size() + 1), 64)); break;
    }
  }
  return text;
}

// In the order of the names: the mutations depend on it.
void read_corpus(const char* folder, std::vector<std::string>& corpus) {
  std::error_code error;
  std::set<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    paths.insert(entry.path());
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> corpus{""};
  for (int i = 1; i < argc; ++i) read_corpus(argv[i], corpus);
  std::mt19937 random(1);
  int fed = 0;
  for (const std::string& entry : corpus) {
    feed(entry);
    for (int i = 0; i < kMutationsPerEntry; ++i, ++fed)
      feed(mutate(entry, corpus[below(random, corpus.size())], random));
  }
  std::printf("%zu inputs and %d mutations\n", corpus.size(), fed);
  return corpus.size() > 1 ? 0 : 1;
}
