// Tars made by hand, the hostile ones too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::test {

struct TarMeta {
    unsigned mode = 0644, uid = 0, gid = 0, major = 0, minor = 0;
    long mtime = 1000000000;
};

class TarBuilder {
public:
    using Meta = TarMeta;

    // A header as it stands; size is what it claims.
    TarBuilder& raw(const std::string& path, char type, std::uint64_t size, const std::string& link, const Meta& m) {
        char b[512] = {};
        std::memcpy(b, path.data(), std::min<std::size_t>(path.size(), 100));
        std::snprintf(b + 100, 8, "%07o", m.mode);
        std::snprintf(b + 108, 8, "%07o", m.uid);
        std::snprintf(b + 116, 8, "%07o", m.gid);
        std::snprintf(b + 124, 12, "%011llo", static_cast<unsigned long long>(size));
        std::snprintf(b + 136, 12, "%011lo", static_cast<unsigned long>(m.mtime));
        b[156] = type;
        std::memcpy(b + 157, link.data(), std::min<std::size_t>(link.size(), 100));
        std::memcpy(b + 257,
                    "ustar\0"
                    "00",
                    8);
        std::snprintf(b + 329, 8, "%07o", m.major);
        std::snprintf(b + 337, 8, "%07o", m.minor);
        std::memset(b + 148, ' ', 8);
        unsigned sum = 0;
        for (char c : b) sum += static_cast<unsigned char>(c);
        std::snprintf(b + 148, 8, "%06o", sum);
        bytes_.append(b, sizeof b);
        return *this;
    }
    TarBuilder& data(std::string_view d) {
        bytes_ += d;
        bytes_.append((512 - d.size() % 512) % 512, '\0');
        return *this;
    }
    TarBuilder& file(const std::string& path, std::string_view contents = "x", const Meta& m = {}) {
        return raw(path, '0', contents.size(), "", m).data(contents);
    }
    TarBuilder& dir(const std::string& path, unsigned mode = 0755, unsigned uid = 0) {
        return raw(path, '5', 0, "", {mode, uid, uid});
    }
    TarBuilder& symlink(const std::string& path, const std::string& target) {
        return raw(path, '2', 0, target, {0777});
    }
    TarBuilder& hardlink(const std::string& path, const std::string& target) { return raw(path, '1', 0, target, {}); }
    // The PAX header of what follows.
    TarBuilder& pax(const std::vector<std::pair<std::string, std::string>>& records, char type = 'x') {
        std::string body;
        for (const auto& [key, value] : records) {
            std::string rest = " " + key + "=" + value + "\n";
            std::size_t n = rest.size() + 1;
            while (std::to_string(n).size() + rest.size() != n) ++n;
            body += std::to_string(n) + rest;
        }
        return raw("pax", type, body.size(), "", {}).data(body);
    }
    TarBuilder& bytes(std::string_view b) {
        bytes_ += b;
        return *this;
    }
    std::string end() const { return bytes_ + std::string(1024, '\0'); }
    const std::string& cut() const { return bytes_; }

private:
    std::string bytes_;
};

} // namespace davit::test
