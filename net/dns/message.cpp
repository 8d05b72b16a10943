#include "net/dns/message.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace davit::net::dns {

namespace {

constexpr std::size_t max_label = 63, max_name = 255;
constexpr std::uint16_t flag_response = 0x8000, flag_truncated = 0x0200, flag_recursion_desired = 0x0100,
                        flag_recursion_available = 0x0080, flag_checking_disabled = 0x0010;
constexpr std::uint16_t opcode_mask = 0x7800;
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t own_udp_size = 1232; // fits into one packet on any path (DNS flag day 2020)
constexpr std::size_t opt_size = 11;
constexpr int max_records = 512; // an honest packet has far fewer

std::uint8_t byte_at(std::string_view s, std::size_t i) { return static_cast<std::uint8_t>(s[i]); }
std::uint16_t u16_at(std::string_view s, std::size_t i) {
    return static_cast<std::uint16_t>(byte_at(s, i) << 8 | byte_at(s, i + 1));
}
std::uint32_t u32_at(std::string_view s, std::size_t i) { return std::uint32_t{u16_at(s, i)} << 16 | u16_at(s, i + 2); }

void append_u16(std::string& out, std::uint32_t v) {
    out += static_cast<char>(v >> 8 & 0xff);
    out += static_cast<char>(v & 0xff);
}

void append_u32(std::string& out, std::uint32_t v) {
    append_u16(out, v >> 16);
    append_u16(out, v & 0xffff);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Past a name that may end in a compression pointer; npos when it leaves the packet.
std::size_t skip_name(std::string_view p, std::size_t at) {
    for (std::size_t labels = 0; at < p.size() && labels < max_name; ++labels) {
        const std::uint8_t n = byte_at(p, at);
        if (n == 0) return at + 1;
        if ((n & 0xc0) == 0xc0) return at + 2 <= p.size() ? at + 2 : std::string_view::npos;
        if (n > max_label) return std::string_view::npos;
        at += 1u + n;
    }
    return std::string_view::npos;
}

void append_label_byte(std::string& name, char c, bool& plain) {
    const auto u = static_cast<std::uint8_t>(c);
    if (u > 0x20 && u < 0x7f && c != '.' && c != '\\') {
        name += c;
        return;
    }
    plain = false;
    const char text[] = {'\\', static_cast<char>('0' + u / 100), static_cast<char>('0' + u / 10 % 10),
                         static_cast<char>('0' + u % 10)};
    name.append(text, sizeof text);
}

// The question's name: no compression can occur there. False: malformed.
bool read_name(std::string_view p, std::size_t& at, std::string& name, bool& plain) {
    const std::size_t start = at;
    name.clear();
    while (true) {
        if (at >= p.size()) return false;
        const std::uint8_t n = byte_at(p, at++);
        if (n == 0) return true;
        if (n > max_label || at + n > p.size() || at + n - start >= max_name) return false;
        if (!name.empty()) name += '.';
        for (std::size_t i = 0; i < n; ++i) append_label_byte(name, p[at + i], plain);
        at += n;
    }
}

struct Header {
    std::uint16_t id, flags, questions, answers, authorities, additional;
};

Header read_header(std::string_view p) {
    return {u16_at(p, 0), u16_at(p, 2), u16_at(p, 4), u16_at(p, 6), u16_at(p, 8), u16_at(p, 10)};
}

struct RecordView {
    std::size_t name, type_at; // offset of the ten bytes behind the name
    std::uint16_t type, klass;
    std::uint32_t ttl;
    std::string_view data;
};

// Reads the record at `at` and moves behind it; false: malformed.
bool read_record(std::string_view p, std::size_t& at, RecordView& r) {
    r.name = at;
    const std::size_t fixed = skip_name(p, at);
    if (fixed == std::string_view::npos || fixed + 10 > p.size()) return false;
    r.type_at = fixed;
    r.type = u16_at(p, fixed);
    r.klass = u16_at(p, fixed + 2);
    r.ttl = u32_at(p, fixed + 4);
    const std::size_t size = u16_at(p, fixed + 8);
    const std::size_t data = fixed + 10;
    if (data + size > p.size()) return false;
    r.data = p.substr(data, size);
    at = data + size;
    return true;
}

void read_opt(const RecordView& r, Query& out) {
    out.edns = true;
    out.udp_size = std::max<std::uint16_t>(r.klass, 512);
    out.dnssec_ok = (r.ttl & 0x8000) != 0;
}

void append_name(std::string& out, std::string_view name) {
    while (!name.empty()) {
        const auto dot = std::min(name.find('.'), name.size());
        const std::string_view label = name.substr(0, std::min(dot, max_label));
        if (!label.empty()) {
            out += static_cast<char>(label.size());
            out += label;
        }
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    out += '\0';
}

void append_record(std::string& out, const Record& r) {
    append_u16(out, 0xc000 | header_size); // the question's name
    append_u16(out, r.type);
    append_u16(out, class_in);
    append_u32(out, r.ttl);
    if (r.type == type_ptr) {
        std::string target;
        append_name(target, r.target);
        append_u16(out, static_cast<std::uint32_t>(target.size()));
        out += target;
    } else {
        append_u16(out, static_cast<std::uint32_t>(r.address.size()));
        out += r.address.bytes();
    }
}

void append_opt(std::string& out, bool dnssec_ok) {
    out += '\0';
    append_u16(out, type_opt);
    append_u16(out, own_udp_size);
    append_u32(out, dnssec_ok ? 0x8000u : 0u);
    append_u16(out, 0);
}

void put_u16(std::string& out, std::size_t at, std::uint32_t v) {
    out[at] = static_cast<char>(v >> 8 & 0xff);
    out[at + 1] = static_cast<char>(v & 0xff);
}

std::uint16_t answer_flags(std::uint16_t query_flags, Rcode rcode, bool recursion_available) {
    return static_cast<std::uint16_t>(flag_response |
                                      (query_flags & (flag_recursion_desired | flag_checking_disabled | opcode_mask)) |
                                      (recursion_available ? flag_recursion_available : 0) | rcode);
}

} // namespace

ParseResult parse_query(std::string_view p, Query& out) {
    if (p.size() < header_size) return ParseResult::ignore;
    const Header h = read_header(p);
    if (h.flags & flag_response) return ParseResult::ignore;
    out = Query{};
    out.id = h.id;
    out.flags = h.flags;
    if (h.flags & opcode_mask) return ParseResult::not_implemented;
    if (h.questions != 1) return ParseResult::format_error;
    std::size_t at = header_size;
    if (!read_name(p, at, out.name, out.plain) || at + 4 > p.size()) return ParseResult::format_error;
    out.type = u16_at(p, at);
    out.klass = u16_at(p, at + 2);
    out.question_end = at += 4;
    const int records = h.answers + h.authorities + h.additional;
    if (records > max_records) return ParseResult::format_error;
    for (int i = 0; i < records; ++i) {
        RecordView r;
        if (!read_record(p, at, r)) return ParseResult::format_error;
        if (r.type != type_opt) continue;
        if (out.edns) return ParseResult::format_error; // RFC 6891 §6.1.1: one only
        read_opt(r, out);
    }
    return ParseResult::ok;
}

void write_answer(std::string& out, std::string_view packet, const Query& q, Rcode rcode, bool recursion_available,
                  const std::vector<Record>& records, std::size_t limit) {
    out.assign(packet.substr(0, q.question_end));
    put_u16(out, 2, answer_flags(q.flags, rcode, recursion_available));
    put_u16(out, 8, 0);
    put_u16(out, 10, q.edns ? 1 : 0);
    const std::size_t room = limit - (q.edns ? opt_size : 0);
    std::uint32_t count = 0;
    for (const Record& r : records) {
        const std::size_t before = out.size();
        append_record(out, r);
        if (out.size() > room) {
            out.resize(before);
            put_u16(out, 2, u16_at(out, 2) | flag_truncated);
            break;
        }
        ++count;
    }
    put_u16(out, 6, count);
    if (q.edns) append_opt(out, q.dnssec_ok);
}

void write_error(std::string& out, std::string_view packet, Rcode rcode, bool recursion_available) {
    out.assign(packet.substr(0, 4));
    out.resize(header_size, '\0');
    put_u16(out, 2, answer_flags(u16_at(packet, 2), rcode, recursion_available));
}

// --- answers of upstreams -----------------------------------------------------------------------------

namespace {

bool same_question(std::string_view answer, std::string_view query) {
    const std::size_t end = skip_name(query, header_size);
    if (end == std::string_view::npos || end + 4 > query.size() || end + 4 > answer.size()) return false;
    return std::equal(query.begin() + header_size, query.begin() + static_cast<std::ptrdiff_t>(end) + 4,
                      answer.begin() + header_size, [](char a, char b) { return lower(a) == lower(b); });
}

// MINIMUM is the last field of a SOA: RFC 2308 takes it for negative answers.
std::uint32_t negative_ttl(const RecordView& soa) {
    return soa.data.size() < 4 ? 0 : std::min(soa.ttl, u32_at(soa.data, soa.data.size() - 4));
}

} // namespace

std::optional<AnswerInfo> inspect_answer(std::string_view answer, std::string_view query) {
    if (answer.size() < header_size || query.size() < header_size) return std::nullopt;
    const Header h = read_header(answer);
    if (!(h.flags & flag_response) || h.id != u16_at(query, 0)) return std::nullopt;
    AnswerInfo info;
    info.id = h.id;
    info.rcode = h.flags & 0x000f;
    info.truncated = (h.flags & flag_truncated) != 0;
    // Refusals may come without the question.
    if (h.questions == 0 && info.rcode != rcode_ok && info.rcode != rcode_no_name) return info;
    if (h.questions != 1 || !same_question(answer, query)) return std::nullopt;
    std::size_t at = skip_name(answer, header_size) + 4;
    const int records = h.answers + h.authorities + h.additional;
    bool any = false;
    std::uint32_t positive = ~0u, negative = 0;
    for (int i = 0; i < records; ++i) {
        RecordView r;
        if (i >= max_records || !read_record(answer, at, r)) {
            if (info.truncated) break; // what is cut off is asked again over TCP
            return std::nullopt;
        }
        if (r.type == type_opt) continue;
        info.ttl_offsets.push_back(r.type_at + 4);
        positive = std::min(positive, r.ttl);
        any = any || i < h.answers;
        if (r.type == type_soa && i >= h.answers) negative = negative_ttl(r);
    }
    info.min_ttl = any ? positive : negative;
    return info;
}

// --- reverse names ------------------------------------------------------------------------------------

namespace {

bool strip_suffix(std::string_view& name, std::string_view suffix) {
    if (name.size() < suffix.size()) return false;
    const auto tail = name.substr(name.size() - suffix.size());
    if (!std::equal(tail.begin(), tail.end(), suffix.begin(), [](char a, char b) { return lower(a) == b; }))
        return false;
    name.remove_suffix(suffix.size());
    return true;
}

std::optional<IpAddress> reverse_v4(std::string_view name) {
    std::uint8_t bytes[4];
    for (std::size_t i = 4; i-- > 0;) {
        const auto dot = std::min(name.find('.'), name.size());
        unsigned value = 256;
        const auto [end, ec] = std::from_chars(name.data(), name.data() + dot, value);
        if (ec != std::errc{} || end != name.data() + dot || value > 255) return std::nullopt;
        bytes[i] = static_cast<std::uint8_t>(value);
        if ((i == 0) != (dot == name.size())) return std::nullopt;
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return IpAddress::v4_bytes(bytes);
}

std::optional<IpAddress> reverse_v6(std::string_view name) {
    std::uint8_t bytes[16]{};
    if (name.size() != 63) return std::nullopt;
    for (std::size_t i = 0; i < 32; ++i) {
        const char c = lower(name[i * 2]);
        if (i < 31 && name[i * 2 + 1] != '.') return std::nullopt;
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return std::nullopt;
        bytes[15 - i / 2] = static_cast<std::uint8_t>(bytes[15 - i / 2] | (i % 2 ? digit << 4 : digit));
    }
    return IpAddress::v6_bytes(bytes);
}

} // namespace

std::optional<IpAddress> parse_reverse_name(std::string_view name) {
    if (strip_suffix(name, ".in-addr.arpa")) return reverse_v4(name);
    if (strip_suffix(name, ".ip6.arpa")) return reverse_v6(name);
    return std::nullopt;
}

} // namespace davit::net::dns
