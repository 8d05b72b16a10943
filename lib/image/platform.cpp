#include "image/platform.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <sys/utsname.h>

namespace davit::image {

namespace {

struct Alias {
    const char* name;
    const char* architecture;
    const char* variant;
};
constexpr Alias aliases[] = {
    {"x86_64", "amd64", ""}, {"x86-64", "amd64", ""},  {"i386", "386", ""},
    {"i686", "386", ""},     {"aarch64", "arm64", ""}, {"armhf", "arm", "v7"},
    {"armel", "arm", "v6"},  {"armv7l", "arm", "v7"},  {"armv6l", "arm", "v6"},
};

int variant_level(const std::string& variant) {
    if (variant.size() != 2 || variant[0] != 'v' || variant[1] < '1' || variant[1] > '9') return -1;
    return variant[1] - '0';
}

int default_level(const std::string& architecture) {
    if (architecture == "arm64") return 8;
    if (architecture == "arm") return 7;
    return 1;
}

int level(const Platform& p) { return p.variant.empty() ? default_level(p.architecture) : variant_level(p.variant); }

const char* host_variant() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4")) return "v4";
    if (__builtin_cpu_supports("x86-64-v3")) return "v3";
    if (__builtin_cpu_supports("x86-64-v2")) return "v2";
#endif
    return "";
}

bool is_attestation(const registry::Descriptor& d) {
    auto it = d.annotations.find("vnd.docker.reference.type");
    return (it != d.annotations.end() && it->second == "attestation-manifest") ||
           (d.platform && (d.platform->os == "unknown" || d.platform->architecture == "unknown"));
}

bool is_zstd(const registry::Descriptor& d) {
    auto it = d.annotations.find("io.github.containers.compression.zstd");
    return it != d.annotations.end() && it->second == "true";
}

} // namespace

Platform normalized(Platform p) {
    auto lower = [](std::string& s) {
        for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    lower(p.os);
    lower(p.architecture);
    lower(p.variant);
    for (const Alias& alias : aliases) {
        if (p.architecture != alias.name) continue;
        p.architecture = alias.architecture;
        if (p.variant.empty()) p.variant = alias.variant;
    }
    if (!p.variant.empty() && p.variant[0] >= '0' && p.variant[0] <= '9') p.variant.insert(0, "v");
    if (p.architecture == "arm64" && p.variant == "v8") p.variant.clear();
    if (p.architecture == "amd64" && p.variant == "v1") p.variant.clear();
    return p;
}

Platform host_platform() {
    static const Platform host = [] {
        utsname name{};
        ::uname(&name);
        Platform p = normalized({"linux", name.machine, ""});
        if (p.architecture == "amd64") p.variant = host_variant();
        return p;
    }();
    return host;
}

namespace {

bool is_known_architecture(std::string_view name) {
    static constexpr std::string_view known[] = {
        "386", "amd64", "arm",     "armbe", "arm64",   "loong64", "mips",  "mips64", "mips64le", "mipsle",
        "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390",    "s390x", "sparc",  "sparc64",  "wasm"};
    return std::find(std::begin(known), std::end(known), name) != std::end(known);
}

} // namespace

Platform parse_platform(std::string_view text) {
    std::vector<std::string> parts;
    for (std::string_view rest = text;;) {
        auto slash = rest.find('/');
        parts.emplace_back(rest.substr(0, slash));
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    // "windows(10.0.17763)/amd64": a version of the system, which no name of a platform shows.
    const auto version = parts[0].find('(');
    if (version != std::string::npos && version > 0 && parts[0].ends_with(')')) {
        const auto foreign = [](char c) {
            return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
                   std::string_view("_.%-+").find(c) == std::string_view::npos;
        };
        if (std::none_of(parts[0].begin() + static_cast<std::ptrdiff_t>(version) + 1, parts[0].end() - 1, foreign))
            parts[0].resize(version);
    }
    auto valid = [](const std::string& s) {
        return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                   c == '.';
        });
    };
    if (parts.size() > 3 || !std::all_of(parts.begin(), parts.end(), valid))
        throw error(Errc::usage, "\"{}\": cannot parse platform specifier: invalid argument", text)
            .with_hint("platforms look like linux/amd64 or linux/arm/v7");
    if (parts.size() == 1) {
        Platform host = host_platform();
        if (parts[0] == "linux") return host;
        Platform alone = normalized({host.os, parts[0], ""});
        if (!is_known_architecture(alone.architecture))
            throw error(Errc::usage, "\"{}\": unknown operating system or architecture: invalid argument", text)
                .with_hint("platforms look like linux/amd64 or linux/arm/v7");
        return alone;
    }
    return normalized({parts[0], parts[1], parts.size() == 3 ? parts[2] : ""});
}

std::string to_string(const Platform& p) {
    return p.os + "/" + p.architecture + (p.variant.empty() ? "" : "/" + p.variant);
}

std::optional<int> distance(const Platform& wanted, const Platform& offered) {
    if (wanted.os != offered.os) return std::nullopt;
    int penalty = 0;
    int have = level(wanted), need = level(offered);
    if (wanted.architecture == "arm64" && offered.architecture == "arm") penalty = 100;
    else if (wanted.architecture != offered.architecture) return std::nullopt;
    if (need < 0 || have < 0) return wanted.variant == offered.variant ? std::optional(penalty) : std::nullopt;
    if (need > have) return std::nullopt;
    return penalty + have - need;
}

std::vector<registry::Descriptor> choose_platform(const std::vector<registry::Descriptor>& manifests,
                                                  const Platform& wanted) {
    struct Candidate {
        int distance;
        const registry::Descriptor* descriptor;
    };
    std::vector<Candidate> candidates;
    for (const auto& d : manifests) {
        if (is_attestation(d)) continue;
        if (!d.platform) candidates.push_back({1000, &d});
        else if (auto far = distance(wanted, *d.platform)) candidates.push_back({*far * 2 + (is_zstd(d) ? 0 : 1), &d});
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.distance < b.distance; });
    std::vector<registry::Descriptor> out;
    for (const auto& c : candidates) out.push_back(*c.descriptor);
    return out;
}

} // namespace davit::image
