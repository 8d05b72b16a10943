#include "dns_packets.hpp"
#include "net/dns/cache.hpp"
#include "net/dns/message.hpp"

#include <doctest/doctest.h>
#include <random>

using namespace davit::net;
using namespace davit::net::dns;

namespace {

std::string answer_to(const std::string& packet, const std::vector<Record>& records, std::size_t limit = 512,
                      Rcode rcode = rcode_ok) {
    Query q;
    REQUIRE(parse_query(packet, q) == ParseResult::ok);
    std::string out;
    write_answer(out, packet, q, rcode, true, records, limit);
    return out;
}

std::uint16_t flags_of(const std::string& packet) {
    return static_cast<std::uint16_t>(static_cast<std::uint8_t>(packet[2]) << 8 | static_cast<std::uint8_t>(packet[3]));
}

Record a_record(std::string_view address, std::uint32_t ttl = 5) {
    return {type_a, ttl, IpAddress::parse(address), {}};
}

} // namespace

TEST_CASE("a question is read with its case, type and EDNS size") {
    Query q;
    CHECK(parse_query(make_query(7, "Web.Example", type_aaaa, true, 4096), q) == ParseResult::ok);
    CHECK(q.id == 7);
    CHECK(q.name == "Web.Example");
    CHECK(q.type == type_aaaa);
    CHECK(q.edns);
    CHECK(q.udp_size == 4096);
    CHECK(q.plain);
    CHECK(parse_query(make_query(7, "web", type_a), q) == ParseResult::ok);
    CHECK_FALSE(q.edns);
    CHECK(q.udp_size == 512);
    CHECK(parse_query(make_query(7, "", type_ns), q) == ParseResult::ok);
    CHECK(q.name.empty());
}

TEST_CASE("labels with dots and odd bytes are no container names") {
    std::string p = make_query(1, "aXb", type_a);
    Query q;
    p[header_size + 2] = '.';
    CHECK(parse_query(p, q) == ParseResult::ok);
    CHECK(q.name == "a\\046b");
    CHECK_FALSE(q.plain);
    p[header_size + 2] = '\0';
    CHECK(parse_query(p, q) == ParseResult::ok);
    CHECK(q.name == "a\\000b");
}

TEST_CASE("what is no question is ignored or refused") {
    Query q;
    CHECK(parse_query("", q) == ParseResult::ignore);
    CHECK(parse_query("12345678901", q) == ParseResult::ignore);
    std::string response = make_query(1, "web", type_a);
    response[2] = static_cast<char>(0x80);
    CHECK(parse_query(response, q) == ParseResult::ignore);
    std::string status = make_query(1, "web", type_a);
    status[2] = 0x10;
    CHECK(parse_query(status, q) == ParseResult::not_implemented);
    std::string two = make_query(1, "web", type_a);
    two[5] = 2;
    CHECK(parse_query(two, q) == ParseResult::format_error);
    std::string pointer = make_query(1, "web", type_a);
    pointer[header_size] = static_cast<char>(0xc0);
    CHECK(parse_query(pointer, q) == ParseResult::format_error);
    const std::string whole = make_query(1, "web.example", type_a, true);
    for (std::size_t n = header_size; n < whole.size(); ++n)
        CHECK(parse_query(whole.substr(0, n), q) == ParseResult::format_error);
}

TEST_CASE("an answer repeats the question and carries the records") {
    const std::string packet = make_query(0x1234, "WeB", type_a, true);
    const std::string out = answer_to(packet, {a_record("10.0.0.2"), a_record("10.0.0.3")});
    CHECK(flags_of(out) == 0x8180);
    CHECK(out.substr(0, 2) == packet.substr(0, 2));
    CHECK(out.substr(header_size, 5) == packet.substr(header_size, 5));
    const auto records = parse_records(out);
    REQUIRE(records.size() == 2);
    CHECK(records[0].address.to_string() == "10.0.0.2");
    CHECK(records[1].ttl == 5);
    const auto info = inspect_answer(out, packet);
    REQUIRE(info);
    CHECK(info->min_ttl == 5);
    CHECK(info->ttl_offsets.size() == 2);
}

TEST_CASE("PTR and AAAA records survive the way") {
    const auto ptr = parse_records(
        answer_to(make_query(1, "2.0.0.10.in-addr.arpa", type_ptr), {{type_ptr, 5, {}, "shop-web-1.shop_default"}}));
    REQUIRE(ptr.size() == 1);
    CHECK(ptr[0].target == "shop-web-1.shop_default");
    const auto six =
        parse_records(answer_to(make_query(1, "web", type_aaaa), {{type_aaaa, 5, IpAddress::parse("fd00::2"), {}}}));
    CHECK(six.at(0).address.to_string() == "fd00::2");
}

TEST_CASE("an answer that is too long is cut at a whole record and marked") {
    std::vector<Record> many;
    for (unsigned i = 0; i < 100; ++i) many.push_back(a_record("10.0.0." + std::to_string(i)));
    const std::string out = answer_to(make_query(1, "web", type_a), many, 512);
    CHECK(out.size() <= 512);
    CHECK((flags_of(out) & 0x0200) != 0);
    CHECK(parse_records(out).size() == 30); // 21 bytes of question, 16 a record
    CHECK(parse_records(answer_to(make_query(1, "web", type_a), many, 65535)).size() == 100);
}

TEST_CASE("an upstream's answer must fit the question") {
    const std::string packet = make_query(9, "up.test", type_a);
    const std::string good = answer_to(packet, {a_record("10.0.0.2", 60)});
    CHECK(inspect_answer(good, packet));
    CHECK_FALSE(inspect_answer(good, make_query(10, "up.test", type_a)));
    CHECK_FALSE(inspect_answer(good, make_query(9, "other.test", type_a)));
    CHECK_FALSE(inspect_answer(good, make_query(9, "up.test", type_aaaa)));
    CHECK(inspect_answer(good, make_query(9, "UP.test", type_a)));
    CHECK_FALSE(inspect_answer(packet, packet));
    for (std::size_t n = 0; n < good.size(); ++n) CHECK_FALSE(inspect_answer(good.substr(0, n), packet));
}

TEST_CASE("reverse names become addresses again") {
    CHECK(parse_reverse_name("1.2.0.192.in-addr.arpa") == IpAddress::parse("192.0.2.1"));
    CHECK(parse_reverse_name("255.0.0.10.in-addr.arpa") == IpAddress::parse("10.0.0.255"));
    CHECK(parse_reverse_name("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa") ==
          IpAddress::parse("fd00::1"));
    CHECK(parse_reverse_name("f.e.e.b.d.a.e.d.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa") ==
          IpAddress::parse("2001:db8::dead:beef"));
    for (const char* bad : {"in-addr.arpa", "1.in-addr.arpa", "256.0.0.1.in-addr.arpa", "1.2.3.4.5.in-addr.arpa", "web",
                            "1.ip6.arpa", "a.0.0.1.in-addr.arpa", ".0.0.1.in-addr.arpa"})
        CHECK_FALSE(parse_reverse_name(bad));
}

TEST_CASE("random and damaged packets never break the parsers") {
    std::minstd_rand random(42);
    const std::string packet = make_query(9, "up.test", type_a, true);
    const std::string good = answer_to(packet, {a_record("10.0.0.2"), {type_ptr, 5, {}, "a.b.c"}});
    for (int i = 0; i < 20000; ++i) {
        std::string p = i % 3 == 0 ? packet : good;
        for (unsigned k = 0; k < 1 + random() % 6; ++k) p[random() % p.size()] = static_cast<char>(random());
        p.resize(random() % (p.size() + 1));
        Query q;
        if (parse_query(p, q) == ParseResult::ok) CHECK(q.question_end <= p.size());
        if (const auto info = inspect_answer(p, packet))
            for (const std::size_t at : info->ttl_offsets) CHECK(at + 4 <= p.size());
    }
}

TEST_CASE("a cached answer counts its TTL down and expires") {
    const std::string packet = make_query(9, "up.test", type_a);
    const std::string good = answer_to(packet, {a_record("10.0.0.2", 60)});
    const auto info = inspect_answer(good, packet);
    REQUIRE(info);
    AnswerCache cache(2);
    const auto start = AnswerCache::Clock::now();
    cache.insert("k", good, *info, start);
    CHECK(parse_records(cache.find("k", start + std::chrono::seconds(20)).value()).at(0).ttl == 40);
    CHECK_FALSE(cache.find("k", start + std::chrono::seconds(60)));
    CHECK_FALSE(cache.find("other", start));
    cache.insert("l", good, *info, start);
    cache.insert("m", good, *info, start);
    CHECK(cache.size() == 2);
    CHECK_FALSE(cache.find("k", start));
    CHECK(cache.find("m", start));
}

TEST_CASE("failures and answers without a TTL are not cached") {
    const std::string packet = make_query(9, "up.test", type_a);
    AnswerCache cache(2);
    const auto now = AnswerCache::Clock::now();
    for (const std::string& answer :
         {answer_to(packet, {}, 512, rcode_failure), answer_to(packet, {a_record("10.0.0.2", 0)}),
          answer_to(packet, {}, 512, rcode_no_name)})
        cache.insert("k", answer, inspect_answer(answer, packet).value(), now);
    CHECK(cache.size() == 0);
}
