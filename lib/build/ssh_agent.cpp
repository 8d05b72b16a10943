#include "build/ssh_agent.hpp"

#include "base/error.hpp"
#include "build/ssh_wire.hpp"

#include <algorithm>

namespace davit::build {

namespace {

constexpr unsigned char refusal = 5, list_keys = 11, keys_answer = 12, sign_request = 13, sign_answer = 14;
constexpr std::uint32_t largest_message = 256 * 1024; // as OpenSSH's agent
constexpr std::size_t length_bytes = 4;

} // namespace

std::string agent_answer(const std::vector<SshKey>& keys, std::string_view message) {
    SshReader in(message);
    SshWriter out;
    switch (in.byte()) {
    case list_keys:
        out.byte(keys_answer).number(static_cast<std::uint32_t>(keys.size()));
        for (const SshKey& key : keys) out.text(key.blob()).text(key.comment());
        return out.take();
    case sign_request: {
        const std::string_view blob = in.text(), data = in.text();
        const unsigned flags = in.number();
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const SshKey& k) { return k.blob() == blob; });
        const std::string signature = in.ok() && key != keys.end() ? key->sign(data, flags) : std::string();
        if (signature.empty()) return out.byte(refusal).take();
        return out.byte(sign_answer).text(signature).take();
    }
    default: return out.byte(refusal).take();
    }
}

std::optional<std::string> take_message(std::string& received) {
    if (received.size() < length_bytes) return std::nullopt;
    const std::uint32_t length = SshReader(received).number();
    if (length == 0 || length > largest_message)
        throw error(Errc::failed, "a message of {} bytes is none of an ssh agent's", length);
    if (received.size() - length_bytes < length) return std::nullopt;
    std::string out = received.substr(length_bytes, length);
    received.erase(0, length_bytes + length);
    return out;
}

std::string framed(const std::string& message) {
    SshWriter out;
    return out.text(message).take();
}

} // namespace davit::build
