#include "build/files/http_memory.hpp"

#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_read.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::build {

namespace {

constexpr std::size_t longest = 16 << 10; // of a file
constexpr std::size_t hex_digits = 64;
constexpr std::string_view suffix = ".json";
constexpr std::int64_t second_ns = 1'000'000'000;

struct Remembered {
    std::string id;
    std::uint64_t size = 0;
    std::int64_t last_used = 0;
};

// Oldest first. What a killed process has left half written is removed once nobody can be writing it any more.
std::vector<Remembered> remembered_in(const std::string& directory) {
    std::vector<Remembered> out;
    const Dir dir(::opendir(directory.c_str()));
    while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
        const std::string name = entry->d_name;
        struct stat st {};
        if (::fstatat(::dirfd(dir.get()), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        const std::int64_t used = std::int64_t{st.st_mtim.tv_sec} * second_ns + st.st_mtim.tv_nsec;
        constexpr std::int64_t writing = 3600 * second_ns;
        constexpr std::uint64_t block = 512;
        if (name.size() == hex_digits + suffix.size() && name.ends_with(suffix))
            out.push_back({name.substr(0, hex_digits), static_cast<std::uint64_t>(st.st_blocks) * block, used});
        else if (sys::realtime_ns() - used > writing) ::unlinkat(::dirfd(dir.get()), entry->d_name, 0);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.last_used < b.last_used; });
    return out;
}

} // namespace

std::optional<HttpFile> HttpMemory::find(const std::string& url) const {
    if (directory_.empty()) return std::nullopt;
    const std::string path = file_of(sha256_hex(url));
    const auto text = read_file_if_exists(path);
    const Json json = text ? parse_untrusted(*text) : Json();
    if (!json.is_object() || text_of(json, "url") != url) return std::nullopt;
    HttpFile out;
    out.sha256 = text_of(json, "sha256");
    out.sha512 = text_of(json, "sha512");
    out.etag = text_of(json, "etag");
    out.last_modified = text_of(json, "last_modified");
    out.size = unsigned_of(json, "size");
    out.modified = parse_http_date(out.last_modified).value_or(0);
    if (out.sha256.size() != hex_digits || (out.etag.empty() && out.last_modified.empty())) return std::nullopt;
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
    return out;
}

void HttpMemory::keep(const std::string& url, const HttpFile& file) const {
    if (directory_.empty() || (file.etag.empty() && file.last_modified.empty())) return;
    const Json json{{"url", url},
                    {"sha256", file.sha256},
                    {"sha512", file.sha512},
                    {"etag", file.etag},
                    {"last_modified", file.last_modified},
                    {"size", file.size}};
    const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > longest) return;
    sys::make_dirs(directory_, 0700);
    write_file_atomic(file_of(sha256_hex(url)), text, 0600, false);
    drop_oldest();
}

// Some more than there are too many, so that it is not done each time.
void HttpMemory::drop_oldest() const {
    const auto all = remembered_in(directory_);
    if (all.size() <= most_) return;
    for (std::size_t i = 0; i < all.size() - most_ + most_ / 10; ++i) forget(all[i].id);
}

std::vector<HttpMemory::Kept> HttpMemory::list() const {
    std::vector<Kept> out;
    for (const auto& one : remembered_in(directory_)) {
        const auto text = read_file_if_exists(file_of(one.id));
        if (!text) continue; // somebody was faster
        const Json json = parse_untrusted(*text);
        out.push_back({one.id, json.is_object() ? text_of(json, "url") : "", one.size, one.last_used});
    }
    return out;
}

void HttpMemory::forget(const std::string& id) const { ::unlink(file_of(id).c_str()); }

} // namespace davit::build
