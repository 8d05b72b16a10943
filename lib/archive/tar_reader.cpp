#include "archive/tar_reader.hpp"

#include "archive/tar_number.hpp"
#include "base/error.hpp"
#include "base/text_code.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace davit::archive {

namespace {

constexpr std::size_t buffer_size = 256 * 1024;
constexpr std::uint64_t max_payload = 1 << 20; // of a long name or PAX header: Go's limit too
constexpr std::size_t max_segments = 1 << 20;
constexpr std::size_t max_global = 1000;

bool all_zero(const char* block) {
    return std::all_of(block, block + tar_block, [](char c) { return c == 0; });
}

std::string_view text(const char* field, std::size_t size) { return {field, ::strnlen(field, size)}; }

std::uint64_t padding_of(std::uint64_t size) { return (tar_block - size % tar_block) % tar_block; }

} // namespace

struct TarReader::Header {
    char raw[tar_block];

    std::string_view field(std::size_t at, std::size_t size) const { return {raw + at, size}; }
    char type() const { return raw[156]; }
    bool is_ustar() const { return std::memcmp(raw + 257, "ustar\0", 6) == 0; }
    bool is_star() const { return is_ustar() && std::memcmp(raw + 508, "tar\0", 4) == 0; }

    std::string name() const {
        std::string out(text(raw, 100));
        if (!is_ustar()) return out; // GNU's header keeps times where ustar keeps the prefix
        auto prefix = text(raw + 345, is_star() ? 131 : 155);
        return prefix.empty() ? out : std::string(prefix) + "/" + out;
    }

    bool checksum_fits() const {
        auto want = tar_number(field(148, 8));
        std::int64_t with_sign = 0, without = 0;
        for (std::size_t i = 0; i < tar_block; ++i) {
            char c = i >= 148 && i < 156 ? ' ' : raw[i];
            with_sign += static_cast<signed char>(c);
            without += static_cast<unsigned char>(c);
        }
        return want && (*want == without || *want == with_sign); // old Sun tars add signed
    }
};

TarReader::TarReader(ByteSource& from) : from_(from), buffer_(buffer_size) {}

void TarReader::corrupt(std::string_view what) const {
    throw error(Errc::failed, "corrupt tar at byte {}: {}", position(), what);
}

bool TarReader::fill(std::size_t want) {
    if (end_ - begin_ >= want) return true;
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    base_ += begin_;
    end_ -= begin_;
    begin_ = 0;
    while (end_ < want) {
        std::size_t n = from_.read(buffer_.data() + end_, buffer_.size() - end_);
        if (n == 0) return false;
        end_ += n;
    }
    return true;
}

bool TarReader::read_block(char* block) {
    if (!fill(tar_block)) {
        if (begin_ != end_) corrupt("it ends inside a block");
        return false;
    }
    std::memcpy(block, buffer_.data() + begin_, tar_block);
    begin_ += tar_block;
    return true;
}

void TarReader::pass_over(std::uint64_t bytes) {
    auto here = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, end_ - begin_));
    begin_ += here;
    bytes -= here;
    if (bytes == 0) return;
    from_.skip(bytes);
    base_ += bytes;
}

std::string_view TarReader::data() {
    if (data_left_ == 0) return {};
    if (begin_ == end_ && !fill(1)) corrupt("it ends inside a file's data");
    auto n = static_cast<std::size_t>(std::min<std::uint64_t>(data_left_, end_ - begin_));
    std::string_view out(buffer_.data() + begin_, n);
    begin_ += n;
    data_left_ -= n;
    return out;
}

std::string TarReader::read_payload(std::uint64_t size, const char* what) {
    if (size > max_payload) corrupt(fmt::format("{} of {} bytes", what, size));
    std::string out;
    data_left_ = size;
    for (auto piece = data(); !piece.empty(); piece = data()) out += piece;
    pass_over(padding_of(size));
    return out;
}

bool TarReader::read_header(Header& header) {
    if (!read_block(header.raw)) return false;
    if (all_zero(header.raw)) {
        if (read_block(header.raw) && !all_zero(header.raw)) corrupt("data after a lone block of zeros");
        return false;
    }
    if (!header.checksum_fits()) corrupt("the header's checksum is wrong");
    return true;
}

namespace {

// "27 path=some/name\n" …; returns false on nonsense.
template <typename F>
bool each_pax_record(std::string_view text, F&& found) {
    while (!text.empty()) {
        auto space = text.find(' ');
        if (space == std::string_view::npos) return false;
        auto length = decimal(text.substr(0, space));
        if (!length || *length <= space + 1 || *length > text.size()) return false;
        auto body = text.substr(space + 1, static_cast<std::size_t>(*length) - space - 1);
        if (body.back() != '\n') return false;
        body.remove_suffix(1);
        auto equals = body.find('=');
        if (equals == std::string_view::npos || equals == 0) return false;
        found(body.substr(0, equals), body.substr(equals + 1));
        text.remove_prefix(static_cast<std::size_t>(*length));
    }
    return true;
}

std::optional<TarEntry::Type> type_of(char flag, const std::string& path) {
    switch (flag) {
    case '\0': // v7 marks directories by the name alone
        return path.ends_with('/') ? TarEntry::Type::directory : TarEntry::Type::file;
    case '0':
    case '7':
    case 'S': return TarEntry::Type::file;
    case '1': return TarEntry::Type::hardlink;
    case '2': return TarEntry::Type::symlink;
    case '3': return TarEntry::Type::char_device;
    case '4': return TarEntry::Type::block_device;
    case '5': return TarEntry::Type::directory;
    case '6': return TarEntry::Type::fifo;
    default: return std::nullopt;
    }
}

} // namespace

const std::string* TarReader::record(std::string_view key) const {
    if (auto it = local_.find(key); it != local_.end()) return it->second.empty() ? nullptr : &it->second;
    if (auto it = global_.find(key); it != global_.end() && !it->second.empty()) return &it->second;
    return nullptr;
}

void TarReader::apply_records(TarEntry& e, std::uint64_t& stored) {
    auto number = [&](std::string_view key, std::uint64_t max, auto& to) {
        const std::string* value = record(key);
        if (!value) return;
        auto n = decimal(*value);
        if (!n || *n > max) corrupt(fmt::format("PAX {} is '{}'", key, *value));
        to = static_cast<std::remove_reference_t<decltype(to)>>(*n);
    };
    if (auto* v = record("path")) e.path = *v;
    if (auto* v = record("linkpath")) e.link = *v;
    number("size", INT64_MAX, stored);
    number("uid", UINT32_MAX - 1, e.uid);
    number("gid", UINT32_MAX - 1, e.gid);
    if (auto* v = record("mtime")) {
        auto time = pax_time(*v);
        if (!time) corrupt(fmt::format("PAX mtime is '{}'", *v));
        e.mtime = time->seconds;
        e.mtime_ns = time->nanoseconds;
    }
    auto collect = [&](const Records& records) {
        for (const auto& [key, value] : records) {
            constexpr std::string_view schily = "SCHILY.xattr.", libarchive = "LIBARCHIVE.xattr.";
            if (key.starts_with(schily)) {
                e.xattrs.emplace_back(key.substr(schily.size()), value);
            } else if (key.starts_with(libarchive)) {
                std::string name = percent_decode(key.substr(libarchive.size()));
                auto bytes = base64_decode(value);
                if (bytes && !local_.contains(std::string(schily) + name)) e.xattrs.emplace_back(name, *bytes);
            }
        }
    };
    collect(global_);
    collect(local_);
}

void TarReader::read_old_sparse(const Header& header, TarEntry& e, std::uint64_t stored) {
    auto real = tar_number(header.field(483, 12));
    if (!real || *real < 0) corrupt("a sparse file's size");
    e.size = static_cast<std::uint64_t>(*real);
    e.sparse = true;
    auto take = [&](const char* at, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, at += 24) {
            if (*at == 0) return;
            auto offset = tar_number({at, 12}), length = tar_number({at + 12, 12});
            if (!offset || !length || *offset < 0 || *length < 0) corrupt("a sparse file's map");
            e.segments.push_back({static_cast<std::uint64_t>(*offset), static_cast<std::uint64_t>(*length)});
        }
    };
    take(header.raw + 386, 4);
    bool more = header.raw[482] != 0;
    while (more) {
        char block[tar_block];
        if (!read_block(block) || e.segments.size() > max_segments) corrupt("a sparse file's map");
        take(block, 21);
        more = block[504] != 0;
    }
    data_left_ = stored;
}

void TarReader::read_sparse_map_from_data(TarEntry& e, std::uint64_t& stored) {
    char block[tar_block];
    std::size_t at = tar_block;
    auto number = [&] {
        std::string digits;
        for (;;) {
            if (at == tar_block) {
                if (stored < tar_block || !read_block(block)) corrupt("a sparse file's map");
                stored -= tar_block;
                at = 0;
            }
            char c = block[at++];
            if (c == '\n') break;
            digits += c;
            if (digits.size() > 20) corrupt("a sparse file's map");
        }
        auto n = decimal(digits);
        if (!n) corrupt("a sparse file's map");
        return *n;
    };
    std::uint64_t count = number();
    if (count > max_segments) corrupt("a sparse file's map");
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t offset = number();
        e.segments.push_back({offset, number()});
    }
}

void TarReader::read_pax_sparse(TarEntry& e, std::uint64_t stored) {
    const std::string* major = record("GNU.sparse.major");
    const std::string* map = record("GNU.sparse.map");
    const std::string* real = record("GNU.sparse.realsize");
    if (!real) real = record("GNU.sparse.size");
    if (!major && !map && sparse_numbers_.empty()) return;
    auto size = real ? decimal(*real) : std::nullopt;
    if (!size) corrupt("a sparse file without its size");
    e.size = *size;
    e.sparse = true;
    if (auto* name = record("GNU.sparse.name")) e.path = *name;
    if (major && *major == "1") {
        read_sparse_map_from_data(e, stored);
    } else {
        std::vector<std::uint64_t> numbers;
        std::string_view rest = map ? std::string_view(*map) : std::string_view();
        while (!rest.empty()) {
            auto comma = rest.find(',');
            auto n = decimal(rest.substr(0, comma));
            if (!n) corrupt("a sparse file's map");
            numbers.push_back(*n);
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        }
        for (const auto& [key, value] : sparse_numbers_) {
            auto n = decimal(value);
            if (!n || key != (numbers.size() % 2 ? "GNU.sparse.numbytes" : "GNU.sparse.offset"))
                corrupt("a sparse file's map");
            numbers.push_back(*n);
        }
        if (numbers.size() % 2) corrupt("a sparse file's map");
        for (std::size_t i = 0; i < numbers.size(); i += 2) e.segments.push_back({numbers[i], numbers[i + 1]});
    }
    data_left_ = stored;
}

bool TarReader::next(TarEntry& e) {
    pass_over(data_left_ + padding_);
    data_left_ = padding_ = 0;
    local_.clear();
    local_size_ = 0;
    sparse_numbers_.clear();
    Header h;
    std::uint64_t stored = 0;
    for (;;) {
        if (!read_header(h)) return false;
        auto size = tar_number(h.field(124, 12));
        if (!size || *size < 0) corrupt("an entry's size");
        stored = static_cast<std::uint64_t>(*size);
        const char type = h.type();
        if (type == 'L' || type == 'K') {
            std::string name = read_payload(stored, "a long name");
            name.resize(::strnlen(name.data(), name.size()));
            local_[type == 'L' ? "path" : "linkpath"] = name;
        } else if (type == 'x' || type == 'g') {
            std::string records = read_payload(stored, "a PAX header");
            std::size_t& held = type == 'x' ? local_size_ : global_size_;
            if ((held += records.size()) > max_payload) corrupt("PAX headers without end");
            bool fine = each_pax_record(records, [&](std::string_view key, std::string_view value) {
                if (key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes")
                    sparse_numbers_.emplace_back(key, value);
                else (type == 'x' ? local_ : global_).insert_or_assign(std::string(key), std::string(value));
            });
            if (!fine) corrupt("a PAX header's record");
            if (global_.size() > max_global) corrupt("too many records for all entries"); // each entry looks at them
        } else {
            break;
        }
    }
    e = TarEntry();
    e.path = h.name();
    e.link = text(h.raw + 157, 100);
    auto small = [&](std::size_t at, std::size_t width, const char* what) {
        auto n = tar_number(h.field(at, width));
        if (!n || *n < 0 || *n >= UINT32_MAX) corrupt(fmt::format("an entry's {}", what));
        return static_cast<std::uint32_t>(*n);
    };
    e.mode = small(100, 8, "mode") & 07777;
    e.uid = small(108, 8, "owner");
    e.gid = small(116, 8, "group");
    auto mtime = tar_number(h.field(136, 12));
    if (!mtime) corrupt("an entry's time");
    e.mtime = *mtime;
    apply_records(e, stored);
    if (e.path.find('\0') != std::string::npos || e.link.find('\0') != std::string::npos)
        corrupt("a name with a zero byte");
    auto type = type_of(h.type(), e.path);
    if (!type) corrupt(fmt::format("an entry of unknown type {:#x}", static_cast<unsigned char>(h.type())));
    e.type = *type;
    if (e.type == TarEntry::Type::char_device || e.type == TarEntry::Type::block_device) {
        e.device_major = small(329, 8, "device number");
        e.device_minor = small(337, 8, "device number");
    }
    // Links and directories may carry a size that no data follows (Go's archive/tar agrees).
    data_left_ = e.type == TarEntry::Type::file ? stored : 0;
    padding_ = padding_of(data_left_);
    if (e.type != TarEntry::Type::file) return true;
    e.size = stored;
    if (h.type() == 'S') read_old_sparse(h, e, stored);
    else read_pax_sparse(e, stored);
    if (e.sparse) check_segments(e);
    return true;
}

void TarReader::check_segments(const TarEntry& e) const {
    std::uint64_t end = 0, sum = 0;
    for (const auto& s : e.segments) {
        if (s.offset < end || s.length > e.size || s.offset > e.size - s.length) corrupt("a sparse file's map");
        end = s.offset + s.length;
        sum += s.length;
    }
    if (sum != data_left_) corrupt("a sparse file's map does not fit its data");
}

} // namespace davit::archive
