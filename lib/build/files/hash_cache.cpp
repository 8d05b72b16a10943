#include "build/files/hash_cache.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cstring>

namespace davit::build {

namespace {

constexpr std::string_view header = "davit file hashes 1\n";
constexpr std::int64_t second = 1'000'000'000;

std::int64_t nanoseconds(const timespec& t) { return t.tv_sec * second + t.tv_nsec; }

// How far apart two changes must be to leave different times: the kernel stamps by its tick, 10 ms at the
// coarsest; a file system without nanoseconds by seconds, FAT by two.
std::int64_t margin_of(const struct stat& st) {
    return st.st_ctim.tv_nsec == 0 && st.st_mtim.tv_nsec == 0 ? 2 * second : second / 50;
}

int hex_value(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

std::string checksum(std::string_view bytes) {
    Hasher hash;
    hash.update(bytes);
    return hash.hex();
}

} // namespace

FileDigest digest_from_hex(std::string_view hex) {
    FileDigest out{};
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<char>(hex_value(hex[2 * i]) * 16 + hex_value(hex[2 * i + 1]));
    return out;
}

HashCache::HashCache(std::string directory, std::size_t most) : directory_(std::move(directory)), most_(most) {}

HashCache::Key HashCache::key_of(const struct stat& st) {
    return {static_cast<std::uint64_t>(st.st_dev), static_cast<std::uint64_t>(st.st_ino),
            static_cast<std::uint64_t>(st.st_size), nanoseconds(st.st_mtim), nanoseconds(st.st_ctim)};
}

// Header, checksum of the rest, turn, entries.
void HashCache::load() {
    loaded_ = true;
    const auto bytes = read_file_if_exists(directory_ + "/files.hashes");
    constexpr std::size_t before = header.size() + 64 + sizeof turn_;
    if (!bytes || bytes->size() < before || (bytes->size() - before) % sizeof(Entry) || !bytes->starts_with(header))
        return;
    const std::string_view rest = std::string_view(*bytes).substr(header.size() + 64);
    if (std::string_view(*bytes).substr(header.size(), 64) != checksum(rest)) return;
    std::memcpy(&turn_, rest.data(), sizeof turn_);
    ++turn_;
    entries_.resize((bytes->size() - before) / sizeof(Entry));
    if (!entries_.empty()) std::memcpy(entries_.data(), rest.data() + sizeof turn_, entries_.size() * sizeof(Entry));
}

std::optional<FileDigest> HashCache::find(const struct stat& st) {
    const Key key = key_of(st);
    const std::lock_guard lock(mutex_);
    if (!loaded_) load();
    const auto at =
        std::lower_bound(entries_.begin(), entries_.end(), key, [](const Entry& e, const Key& k) { return e.key < k; });
    if (at != entries_.end() && at->key == key) {
        at->used = turn_;
        return at->digest;
    }
    const auto fresh = fresh_.find(key);
    return fresh == fresh_.end() ? std::nullopt : std::optional(fresh->second);
}

void HashCache::put(const struct stat& st, const FileDigest& digest, std::int64_t began_ns) {
    const std::int64_t latest = std::max(nanoseconds(st.st_ctim), nanoseconds(st.st_mtim));
    if (latest >= began_ns - margin_of(st)) return;
    const std::lock_guard lock(mutex_);
    fresh_[key_of(st)] = digest;
    changed_ = true;
}

void HashCache::save() {
    const std::lock_guard lock(mutex_);
    if (!changed_) return;
    if (!loaded_) load();
    std::vector<Entry> all;
    all.reserve(entries_.size() + fresh_.size());
    for (const Entry& e : entries_)
        if (!fresh_.contains(e.key)) all.push_back(e);
    for (const auto& [key, digest] : fresh_) all.push_back({key, turn_, digest});
    if (all.size() > most_) {
        std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(most_), all.end(),
                         [](const Entry& a, const Entry& b) { return a.used > b.used; });
        all.resize(most_);
    }
    std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
    std::string rest(sizeof turn_ + all.size() * sizeof(Entry), '\0');
    std::memcpy(rest.data(), &turn_, sizeof turn_);
    if (!all.empty()) std::memcpy(rest.data() + sizeof turn_, all.data(), all.size() * sizeof(Entry));
    sys::make_dirs(directory_);
    write_file_atomic(directory_ + "/files.hashes", std::string(header) + checksum(rest) + rest, 0600, false);
    entries_ = std::move(all);
    fresh_.clear();
    changed_ = false;
}

} // namespace davit::build
