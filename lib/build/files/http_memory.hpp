// What earlier downloads told, so that the next one may be none.
#pragma once

#include "build/files/http_file.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::build {

// A small file for each URL in a directory of the caller's; its mtime is when it was last asked for. A damaged one is
// none. At most `most` of them stay: what was used longest ago goes. Several processes may use one directory at once.
class HttpMemory {
public:
    explicit HttpMemory(std::string directory, std::size_t most = 1000)
        : directory_(std::move(directory)), most_(most) {}
    std::optional<HttpFile> find(const std::string& url) const;
    // Only of a server that says what tells versions apart, and does so in few words.
    void keep(const std::string& url, const HttpFile& file) const;

    struct Kept {
        std::string id; // 64 hex digits
        std::string url;
        std::uint64_t size = 0;     // of the file, on the disk
        std::int64_t last_used = 0; // ns since 1970
    };
    std::vector<Kept> list() const; // least recently used first
    void forget(const std::string& id) const;

private:
    std::string file_of(const std::string& id) const { return directory_ + "/" + id + ".json"; }
    void drop_oldest() const;
    std::string directory_;
    std::size_t most_;
};

} // namespace davit::build
