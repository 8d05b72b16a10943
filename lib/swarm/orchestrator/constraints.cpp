#include "swarm/orchestrator/constraints.hpp"

#include "base/error.hpp"
#include "swarm/orchestrator/orchestrator.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <charconv>

namespace davit::swarm {
namespace {

std::string_view trim(std::string_view text) {
    const auto from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool same(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b,
                              [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_key(std::string_view text) {
    const auto first = [](unsigned char c) { return std::isalpha(c) || c == '_'; };
    const auto rest = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
    return text.size() > 1 && first(static_cast<unsigned char>(text[0])) && std::ranges::all_of(text.substr(1), rest);
}

bool is_value(std::string_view text) {
    const auto good = [](unsigned char c) {
        return std::isalnum(c) || std::isspace(c) ||
               std::string_view(":-_.*()?+[]\\^$|/").find(static_cast<char>(c)) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, good);
}

bool after_prefix(std::string_view text, std::string_view prefix, std::string_view& rest) {
    if (text.size() <= prefix.size() || !same(text.substr(0, prefix.size()), prefix)) return false;
    rest = text.substr(prefix.size());
    return true;
}

std::string_view label(const Labels& labels, std::string_view key) {
    const auto at = labels.find(std::string(key));
    return at == labels.end() ? std::string_view{} : at->second;
}

// An address, or a network that it lies in.
bool lies_in(const std::string& address, std::string_view value, bool& valid) {
    const auto slash = value.find('/');
    const std::string base(value.substr(0, slash));
    in_addr want{}, have{};
    valid = ::inet_pton(AF_INET, base.c_str(), &want) == 1;
    if (!valid) return false;
    unsigned bits = 32;
    if (slash != std::string_view::npos) {
        const auto text = value.substr(slash + 1);
        const auto read = std::from_chars(text.data(), text.data() + text.size(), bits);
        valid = read.ec == std::errc{} && read.ptr == text.data() + text.size() && bits <= 32;
        if (!valid) return false;
    }
    if (::inet_pton(AF_INET, address.c_str(), &have) != 1) return false;
    const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
    return (ntohl(want.s_addr) & mask) == (ntohl(have.s_addr) & mask);
}

} // namespace

Constraint parse_constraint(std::string_view text) {
    for (const std::string_view op : {"==", "!="}) {
        const auto at = text.find(op);
        if (at == std::string_view::npos) continue;
        const auto key = trim(text.substr(0, at)), value = trim(text.substr(at + 2));
        if (key.empty() || !is_key(key)) throw error(Errc::usage, "key '{}' is invalid", key);
        if (value.empty() || !is_value(value)) throw error(Errc::usage, "value '{}' is invalid", value);
        return {std::string(key), std::string(value), op == "=="};
    }
    throw error(Errc::usage, "constraint expected one operator from ==, !=");
}

bool meets(const NodeFacts& node, const Constraint& c) {
    const auto is = [&](std::string_view what) { return same(what, c.value) == c.equal; };
    std::string_view name;
    if (same(c.key, "node.id")) return is(node.node.id);
    if (same(c.key, "node.hostname")) return is(node.hostname);
    if (same(c.key, "node.role")) return is(node.node.role);
    if (same(c.key, "node.platform.os")) return is(node.os);
    if (same(c.key, "node.platform.arch")) return is(node.architecture);
    if (same(c.key, "node.ip")) {
        bool valid = false;
        const bool inside = lies_in(node.address, c.value, valid);
        return valid && inside == c.equal;
    }
    if (after_prefix(c.key, "node.labels.", name)) return is(label(node.node.labels, name));
    if (after_prefix(c.key, "engine.labels.", name)) return is(label(node.engine_labels, name));
    return false;
}

bool meets(const NodeFacts& node, const std::vector<std::string>& constraints) {
    std::vector<Constraint> parsed;
    try {
        for (const std::string& text : constraints) parsed.push_back(parse_constraint(text));
    } catch (const Error&) {
        return true;
    }
    return std::ranges::all_of(parsed, [&](const Constraint& c) { return meets(node, c); });
}

} // namespace davit::swarm
