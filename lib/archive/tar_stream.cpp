#include "archive/tar_stream.hpp"

#include "archive/tar_number.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cstring>

namespace davit::archive {

namespace {

struct Header { // POSIX.1-1988 ustar
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], rest[12];
};
static_assert(sizeof(Header) == tar_block);

template <std::size_t N>
void octal(char (&field)[N], std::uint64_t value) {
    for (std::size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
}

template <std::size_t N>
bool fits(const char (&)[N], std::uint64_t value) {
    return value < (std::uint64_t{1} << (3 * (N - 1)));
}

template <std::size_t N>
void text(char (&field)[N], const std::string& value) {
    std::memcpy(field, value.data(), std::min(N, value.size()));
}

char type_of(TarEntry::Type type) {
    using Type = TarEntry::Type;
    switch (type) {
    case Type::file: return '0';
    case Type::hardlink: return '1';
    case Type::symlink: return '2';
    case Type::char_device: return '3';
    case Type::block_device: return '4';
    case Type::directory: return '5';
    case Type::fifo: return '6';
    }
    return '0';
}

// "LENGTH key=value\n", where LENGTH counts itself.
void add_record(std::string& out, const std::string& key, const std::string& value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
    out += std::to_string(length) + " " + key + "=" + value + "\n";
}

std::string header(const TarEntry& e, char type, std::uint64_t size) {
    Header h{};
    text(h.name, e.path);
    text(h.link, e.link);
    octal(h.mode, e.mode & 07777);
    octal(h.uid, fits(h.uid, e.uid) ? e.uid : 0);
    octal(h.gid, fits(h.gid, e.gid) ? e.gid : 0);
    octal(h.size, fits(h.size, size) ? size : 0);
    octal(h.mtime,
          e.mtime >= 0 && fits(h.mtime, static_cast<std::uint64_t>(e.mtime)) ? static_cast<std::uint64_t>(e.mtime) : 0);
    octal(h.major, e.device_major);
    octal(h.minor, e.device_minor);
    h.type = type;
    std::memcpy(h.magic, "ustar", 6);
    std::memcpy(h.version, "00", 2);
    std::memset(h.checksum, ' ', sizeof h.checksum);
    std::string bytes(reinterpret_cast<const char*>(&h), sizeof h);
    unsigned sum = 0;
    for (const char c : bytes) sum += static_cast<unsigned char>(c);
    char checksum[7] = {};
    octal(checksum, sum);
    bytes.replace(offsetof(Header, checksum), sizeof checksum, checksum, sizeof checksum);
    return bytes;
}

std::string records_of(const TarEntry& e) {
    static const Header limits{};
    std::string out;
    if (e.path.size() > sizeof limits.name) add_record(out, "path", e.path);
    if (e.link.size() > sizeof limits.link) add_record(out, "linkpath", e.link);
    if (!fits(limits.size, e.size)) add_record(out, "size", std::to_string(e.size));
    if (!fits(limits.uid, e.uid)) add_record(out, "uid", std::to_string(e.uid));
    if (!fits(limits.gid, e.gid)) add_record(out, "gid", std::to_string(e.gid));
    if (e.mtime < 0 || !fits(limits.mtime, static_cast<std::uint64_t>(e.mtime)))
        add_record(out, "mtime", std::to_string(e.mtime));
    for (const auto& [name, value] : e.xattrs) add_record(out, "SCHILY.xattr." + name, value);
    return out;
}

} // namespace

void TarStream::pad() {
    static constexpr char zeros[tar_block] = {};
    if (const std::size_t over = written_ % tar_block) put({zeros, tar_block - over});
    written_ = 0;
}

void TarStream::add(const TarEntry& entry) {
    pad();
    if (const std::string records = records_of(entry); !records.empty()) {
        TarEntry extended;
        extended.path =
            "PaxHeaders/" + entry.path.substr(entry.path.find_last_of('/', entry.path.size() - 2) + 1).substr(0, 80);
        extended.mode = 0644;
        put(header(extended, 'x', records.size()));
        data(records);
        pad();
    }
    put(header(entry, type_of(entry.type), entry.size));
    files_ += entry.size;
}

void TarStream::data(std::string_view bytes) {
    put(bytes);
    written_ += bytes.size();
}

void TarStream::finish() {
    static constexpr char zeros[2 * tar_block] = {};
    pad();
    put({zeros, sizeof zeros});
}

TarStream::Sink to_fd(int fd, std::stop_token stop) {
    return [fd, stop = std::move(stop)](std::string_view bytes) {
        throw_if_stopped(stop);
        sys::write_all(fd, bytes);
    };
}

} // namespace davit::archive
