// DNS messages (RFC 1035, 6891): what the embedded server reads and writes. Bounded, never throws on input.
#pragma once

#include "net/address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::net::dns {

enum Type : std::uint16_t {
    type_a = 1,
    type_ns = 2,
    type_cname = 5,
    type_soa = 6,
    type_ptr = 12,
    type_mx = 15,
    type_txt = 16,
    type_aaaa = 28,
    type_srv = 33,
    type_opt = 41,
    type_https = 65,
    type_any = 255
};
enum Rcode : std::uint8_t {
    rcode_ok = 0,
    rcode_format = 1,
    rcode_failure = 2,
    rcode_no_name = 3,
    rcode_not_implemented = 4,
    rcode_refused = 5
};

inline constexpr std::size_t header_size = 12;
inline constexpr std::size_t max_udp = 4096; // what we accept and answer over UDP at most

struct Query {
    std::uint16_t id = 0;
    std::uint16_t flags = 0; // as received
    std::string name;        // as received (any case), no trailing dot; odd bytes stand as \DDD
    bool plain = true;       // no byte needed escaping: it can be a container's name
    std::uint16_t type = 0;
    std::uint16_t klass = 0;
    std::size_t question_end = 0; // offset after the question
    bool edns = false;
    std::uint16_t udp_size = 512; // what the client takes
    bool dnssec_ok = false;
};

enum class ParseResult { ok, ignore, format_error, not_implemented };
// ignore: not a query, or too short for a header: no answer is sent.
ParseResult parse_query(std::string_view packet, Query& out);

struct Record {
    std::uint16_t type = 0;
    std::uint32_t ttl = 0;
    IpAddress address;  // A, AAAA
    std::string target; // PTR
};

// Writes an answer into out (cleared first) for the query in packet: id, question and case of the name are the
// client's. Over limit bytes: records are left out and TC is set.
void write_answer(std::string& out, std::string_view packet, const Query& query, Rcode rcode, bool recursion_available,
                  const std::vector<Record>& records, std::size_t limit);
// A bare header for what could not be parsed. packet: what parse_query() did not tell to ignore, so a header at least.
void write_error(std::string& out, std::string_view packet, Rcode rcode, bool recursion_available);

// --- answers of upstreams ----------------------------------------------------------------------------
struct AnswerInfo {
    std::uint16_t id = 0;
    std::uint8_t rcode = 0;
    bool truncated = false;
    std::uint32_t min_ttl = 0; // smallest of all records; SOA minimum for negative answers
    std::vector<std::size_t> ttl_offsets;
};
// Empty when it is not a well-formed response whose question is that of the query (bytes of query).
std::optional<AnswerInfo> inspect_answer(std::string_view answer, std::string_view query);

// 1.2.0.192.in-addr.arpa or nibbles.ip6.arpa to an address.
std::optional<IpAddress> parse_reverse_name(std::string_view name);

} // namespace davit::net::dns
