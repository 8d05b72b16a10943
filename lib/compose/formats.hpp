// Formats of members that look special in YAML; used by rows of several structs.
#pragma once

#include "compose/codec.hpp"

namespace davit::compose {

struct FileMode { // octal: a number as YAML has it, a text in octal digits; written as "0444"
    static void decode(Decoder&, Node&, std::optional<std::uint32_t>&);
    static Node* encode(Encoder&, const std::optional<std::uint32_t>&);
};
struct DeviceCount { // a number, or all = -1
    static void decode(Decoder&, Node&, std::int64_t&);
    static Node* encode(Encoder& e, const std::int64_t& v) { return Integer::encode(e, v); }
};
struct HealthTest { // a text is for the shell
    static void decode(Decoder&, Node&, std::vector<std::string>&);
    static Node* encode(Encoder& e, const std::vector<std::string>& v) { return TextList::encode(e, v); }
};
struct ContainerPath { // cleaned
    static void decode(Decoder&, Node&, std::string&);
    static Node* encode(Encoder& e, const std::string& v) { return Text::encode(e, v); }
};
struct Ulimits { // a number or {soft, hard}
    static void decode(Decoder&, Node&, std::map<std::string, Ulimit>&);
    static Node* encode(Encoder&, const std::map<std::string, Ulimit>&);
};
struct SshKeys {
    static void decode(Decoder&, Node&, std::vector<SshKey>&);
    static Node* encode(Encoder&, const std::vector<SshKey>&);
};
struct ProviderOptions { // a value is a list of one
    static void decode(Decoder&, Node&, std::map<std::string, std::vector<std::string>>&);
    static Node* encode(Encoder&, const std::map<std::string, std::vector<std::string>>&);
};
struct GenericResources {
    static void decode(Decoder&, Node&, std::vector<GenericResource>&);
    static Node* encode(Encoder&, const std::vector<GenericResource>&);
};

template <typename E>
struct EnumWord {
    std::string_view word;
    E value;
};
// A text that stands for one of an enum's values; Words is a table of them.
template <typename E, const auto& Words>
struct Enum {
    static void decode(Decoder& d, Node& n, E& out) {
        for (const EnumWord<E>& w : Words)
            if (n.str() == w.word) {
                out = w.value;
                return;
            }
        d.error(n, fmt::format("'{}' is not known here", to_text(n)));
    }
    static Node* encode(Encoder& e, const E& v) {
        for (const EnumWord<E>& w : Words)
            if (v == w.value) return e.tree.string(w.word);
        return nullptr;
    }
};

} // namespace davit::compose
