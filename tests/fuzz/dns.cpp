// Packets of any bytes: parsed, answered and inspected without reading outside of them.
#include "net/dns/message.hpp"

#include <cstdint>
#include <string>

using namespace davit::net::dns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view packet(reinterpret_cast<const char*>(data), size);
    Query query;
    std::string answer;
    const ParseResult parsed = parse_query(packet, query);
    if (parsed == ParseResult::ok) {
        write_answer(answer, packet, query, rcode_ok, true, {Record{type_ptr, 5, {}, "web.default"}}, 512);
        if (answer.size() > 512) __builtin_trap();
    } else if (parsed != ParseResult::ignore) {
        write_error(answer, packet, rcode_format, true);
    }
    inspect_answer(packet, packet);
    inspect_answer(packet, answer);
    return 0;
}
