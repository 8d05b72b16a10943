#include "runtime/oci/mount_options.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace davit::runtime::oci {
namespace {

struct Flag {
    const char* word;
    bool Mount::*member;
    const char* off; // what clears it
};
constexpr Flag flags[] = {{"nosuid", &Mount::nosuid, "suid"},
                          {"nodev", &Mount::nodev, "dev"},
                          {"noexec", &Mount::noexec, "exec"},
                          {"noatime", &Mount::noatime, "atime"},
                          {"nodiratime", &Mount::nodiratime, "diratime"},
                          {"relatime", &Mount::relatime, "norelatime"},
                          {"strictatime", &Mount::strictatime, "nostrictatime"},
                          {"nosymfollow", &Mount::nosymfollow, "symfollow"},
                          {"rro", &Mount::readonly_recursive, "rrw"},
                          {"ro", &Mount::readonly, "rw"}};

constexpr const char* propagations[] = {"rprivate", "private", "rshared", "shared", "rslave", "slave"};

// OCI's, which davit has no step for.
constexpr const char* no_step[] = {
    "async",          "dirsync",    "idmap",        "iversion",  "lazytime",     "loud",      "mand",
    "noiversion",     "nolazytime", "nomand",       "ratime",    "rdev",         "rdiratime", "remount",
    "rexec",          "ridmap",     "rnoatime",     "rnodev",    "rnodiratime",  "rnoexec",   "rnorelatime",
    "rnostrictatime", "rnosuid",    "rnosymfollow", "rrelatime", "rstrictatime", "rsuid",     "rsymfollow",
    "runbindable",    "silent",     "sync",         "tmpcopyup", "unbindable"};

bool is_bind(const Mount& m) { return m.kind == Mount::Kind::bind || m.kind == Mount::Kind::peer; }

bool contains(const auto& words, std::string_view word) {
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// overlayfs separates layers by ':' and options by ','.
std::string lower_dirs(const std::vector<std::string>& layers) {
    std::string out = "lowerdir=";
    for (const std::string& layer : layers) {
        if (&layer != &layers.front()) out += ':';
        for (char c : layer) {
            if (c == ':' || c == ',' || c == '\\') out += '\\';
            out += c;
        }
    }
    return out;
}

std::vector<std::string> layers_of(std::string_view text) {
    std::vector<std::string> out(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == ':') out.emplace_back();
        else out.back() += text[i] == '\\' && i + 1 < text.size() ? text[++i] : text[i];
    }
    return out;
}

bool set_flag(Mount& m, std::string_view word) {
    for (const Flag& f : flags) {
        if (word != f.word && word != f.off) continue;
        m.*f.member = word == f.word;
        return true;
    }
    if (word == "bind" || word == "rbind") return is_bind(m) ? m.recursive = word == "rbind", true : false;
    auto found = std::find(std::begin(propagations), std::end(propagations), word);
    if (found == std::end(propagations)) return word == "defaults";
    m.propagation = static_cast<Propagation>(found - std::begin(propagations));
    return true;
}

} // namespace

std::vector<std::string> words_of(const std::string& data) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < data.size();) {
        std::size_t comma = std::min(data.find(',', at), data.size());
        out.push_back(data.substr(at, comma - at));
        at = comma + 1;
    }
    return out;
}

bool binds(const std::vector<std::string>& options) { return contains(options, "bind") || contains(options, "rbind"); }

std::vector<std::string> options_of(const Mount& m) {
    std::vector<std::string> out;
    if (is_bind(m)) out.emplace_back(m.recursive ? "rbind" : "bind");
    if (is_bind(m) || m.propagation != Propagation::rprivate)
        out.emplace_back(propagations[static_cast<int>(m.propagation)]);
    for (const Flag& f : flags)
        if (m.*f.member) out.emplace_back(f.word);
    out.insert(out.end(), m.other_options.begin(), m.other_options.end());
    if (m.kind == Mount::Kind::overlay && !m.layers.empty()) out.push_back(lower_dirs(m.layers));
    for (std::string& word : words_of(m.data)) out.push_back(std::move(word));
    return out;
}

void set_options(Mount& m, const std::vector<std::string>& options, std::size_t data) {
    constexpr std::string_view lower = "lowerdir=";
    const std::size_t looked_at = options.size() - std::min(options.size(), data);
    for (std::size_t i = 0; i < options.size(); ++i) {
        const std::string& word = options[i];
        if (i < looked_at && set_flag(m, word)) continue;
        if (m.kind == Mount::Kind::overlay && word.starts_with(lower)) m.layers = layers_of(word.substr(lower.size()));
        else if (i < looked_at && (is_bind(m) || contains(no_step, word))) m.other_options.push_back(word);
        else m.data += (m.data.empty() ? "" : ",") + word;
    }
}

} // namespace davit::runtime::oci
