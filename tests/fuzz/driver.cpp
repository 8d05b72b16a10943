// driver SEEDS SECONDS: feeds mutations of the files in SEEDS to LLVMFuzzerTestOneInput. The order is
// always the same, so a crash repeats; the input that is being tried stands in crash-<pid>.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Rng = std::mt19937_64;

std::size_t below(Rng& rng, std::size_t n) { return n ? rng() % n : 0; }

std::string mutate(Rng& rng, const std::vector<std::string>& seeds) {
    std::string s = seeds[below(rng, seeds.size())];
    for (auto left = 1 + below(rng, 6); left > 0; --left) {
        const std::string& other = seeds[below(rng, seeds.size())];
        std::size_t at = below(rng, s.size() + 1), size = below(rng, 16);
        switch (below(rng, 8)) {
        case 0:
            if (at < s.size()) s[at] = static_cast<char>(s[at] ^ (1 << below(rng, 8)));
            break;
        case 1:
            if (at < s.size()) s[at] = static_cast<char>(rng());
            break;
        case 2: s.erase(at, size); break;
        case 3: s.insert(at, s.substr(below(rng, s.size() + 1), size)); break;
        case 4: s.insert(at, std::string(size, at < s.size() ? s[at] : '{')); break;
        case 5: s.insert(at, other.substr(below(rng, other.size() + 1), below(rng, 64))); break;
        case 6: s.resize(at); break;
        default: s.insert(at, 1, "\0\xff\n\t:{}[]$\"'\\&*!%-#0"[below(rng, 21)]); break;
        }
    }
    return s;
}

std::vector<std::string> read_seeds(const char* directory) {
    std::set<std::filesystem::path> paths; // in one order on every machine
    for (const auto& e : std::filesystem::directory_iterator(directory)) paths.insert(e.path());
    std::vector<std::string> out;
    for (const auto& p : paths) {
        std::ifstream in(p, std::ios::binary);
        out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return out;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    std::vector<std::string> seeds = read_seeds(argv[1]);
    if (seeds.empty()) return 2;
    const std::string trace = "crash-" + std::to_string(std::hash<std::string>{}(argv[0]) % 100000);
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[2]));
    Rng rng(20240101);
    auto slowest = std::chrono::nanoseconds(0);
    std::uint64_t runs = 0;
    for (; std::chrono::steady_clock::now() < end; ++runs) {
        std::string input = runs < seeds.size() ? seeds[runs] : mutate(rng, seeds);
        std::ofstream(trace, std::ios::binary | std::ios::trunc)
            .write(input.data(), static_cast<std::streamsize>(input.size()));
        auto begin = std::chrono::steady_clock::now();
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
        slowest = std::max(slowest, std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin));
        if (slowest > std::chrono::seconds(5)) {
            std::printf("an input took %.1f s; it stands in %s\n", std::chrono::duration<double>(slowest).count(),
                        trace.c_str());
            return 1;
        }
    }
    std::filesystem::remove(trace);
    std::printf("%llu inputs, the slowest took %.1f ms\n", static_cast<unsigned long long>(runs),
                std::chrono::duration<double, std::milli>(slowest).count());
    return 0;
}
