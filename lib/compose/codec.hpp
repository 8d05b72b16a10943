// Trees ↔ the model: the formats a member can have in YAML. attributes/ says which member has which.
#pragma once

#include "compose/diagnostics.hpp"
#include "davit/project.hpp"

#include <limits>
#include <vector>

namespace davit::compose {

class Decoder {
public:
    Decoder(Tree& tree, Diagnostics& diag) : tree_(tree), diag_(diag) {}
    void error(const Node& at, std::string message, std::string hint = {}) {
        diag_.error(at.pos, path_, std::move(message), std::move(hint));
    }
    void warning(const Node& at, std::string message, std::string hint = {}) {
        diag_.warning(at.pos, path_, std::move(message), std::move(hint));
    }
    Path& path() { return path_; }
    SourcePos where(Pos at) const { return tree_.where(at); }
    Tree& tree() { return tree_; }

private:
    Tree& tree_;
    Diagnostics& diag_;
    Path path_;
};

// json: null commands and some empty mappings are written, x- keys only at the top, and davit's own; as Docker Compose
// does.
struct Encoder {
    Tree& tree;
    bool json;
};

Value to_value(const Node&);
Node* from_value(Tree&, const Value&);

// ------------------------------------------------------------------ formats
// decode() reports what does not fit; encode() returns nullptr for "not given".

struct Text {
    static void decode(Decoder&, Node&, std::string&);
    static Node* encode(Encoder&, const std::string&);
};
// Upstream's JSON lacks it; its YAML, which can be loaded again, must not.
template <typename F>
struct YamlOnly {
    template <typename T>
    static void decode(Decoder& d, Node& n, T& out) {
        F::decode(d, n, out);
    }
    template <typename T>
    static Node* encode(Encoder& e, const T& v) {
        return e.json ? nullptr : F::encode(e, v);
    }
};
struct Flag {
    static void decode(Decoder&, Node&, bool&);
    static Node* encode(Encoder&, const bool&);
    static void decode(Decoder&, Node&, std::optional<bool>&);
    static Node* encode(Encoder&, const std::optional<bool>&);
};
struct TrueUnlessFalse { // written only if false
    static void decode(Decoder& d, Node& n, bool& out) { Flag::decode(d, n, out); }
    static Node* encode(Encoder&, const bool&);
};
struct AlwaysFlag { // written in any case
    static void decode(Decoder& d, Node& n, bool& out) { Flag::decode(d, n, out); }
    static Node* encode(Encoder& e, const bool& v) { return e.tree.boolean(v); }
};

struct Integer {
    // texts: a number in quotes is one too
    static std::optional<std::int64_t> read(Decoder&, Node&, std::int64_t least, std::int64_t most, bool texts);
    template <typename T>
    static void decode(Decoder& d, Node& n, T& out) {
        constexpr bool large = sizeof(T) >= 8;
        if (auto v = read(d, n, std::is_unsigned_v<T> ? 0 : static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                          large ? std::numeric_limits<std::int64_t>::max()
                                : static_cast<std::int64_t>(std::numeric_limits<T>::max()),
                          sizeof(T) >= 8 || std::is_signed_v<T>))
            out = static_cast<T>(*v);
    }
    template <typename T>
    static Node* encode(Encoder& e, const T& v) {
        return v == 0 ? nullptr : e.tree.integer(static_cast<std::int64_t>(v));
    }
    template <typename T>
    static void decode(Decoder& d, Node& n, std::optional<T>& out) {
        T v{};
        decode(d, n, v);
        out = v;
    }
    template <typename T>
    static Node* encode(Encoder& e, const std::optional<T>& v) {
        return v ? e.tree.integer(static_cast<std::int64_t>(*v)) : nullptr;
    }
};
struct NonZero { // an optional number of which zero means "not given"
    static void decode(Decoder& d, Node& n, std::optional<std::int64_t>& out) { Integer::decode(d, n, out); }
    static Node* encode(Encoder& e, const std::optional<std::int64_t>& v) {
        return v && *v ? e.tree.integer(*v) : nullptr;
    }
};
struct Real {
    static void decode(Decoder&, Node&, double&);
    static Node* encode(Encoder&, const double&);
};
struct Bytes { // "64m" or a number; written as a number in quotes
    static void decode(Decoder&, Node&, std::int64_t&);
    static Node* encode(Encoder&, const std::int64_t&);
};
struct Duration {
    static void decode(Decoder&, Node&, std::chrono::nanoseconds&);
    static Node* encode(Encoder&, const std::chrono::nanoseconds&);
    static void decode(Decoder&, Node&, std::optional<std::chrono::nanoseconds>&);
    static Node* encode(Encoder&, const std::optional<std::chrono::nanoseconds>&);
};
struct TextList { // a text is a list of one
    static void decode(Decoder&, Node&, std::vector<std::string>&);
    static Node* encode(Encoder&, const std::vector<std::string>&);
};
struct Command { // a text is split into words
    static void decode(Decoder&, Node&, std::optional<std::vector<std::string>>&);
    static Node* encode(Encoder&, const std::optional<std::vector<std::string>>&);
};
struct Labels { // a mapping, or a list of KEY=value
    static void decode(Decoder&, Node&, std::map<std::string, std::string>&);
    static Node* encode(Encoder&, const std::map<std::string, std::string>&);
};
struct Variables { // the same; a key without value is kept
    static void decode(Decoder&, Node&, std::map<std::string, std::optional<std::string>>&);
    static Node* encode(Encoder&, const std::map<std::string, std::optional<std::string>>&);
};
struct Hosts {
    static void decode(Decoder&, Node&, std::map<std::string, std::vector<std::string>>&);
    static Node* encode(Encoder&, const std::map<std::string, std::vector<std::string>>&);
};

// The format of a member, from its type.
template <typename T>
struct Format;
template <>
struct Format<std::string> : Text {};
template <>
struct Format<bool> : Flag {};
template <>
struct Format<std::optional<bool>> : Flag {};
template <>
struct Format<std::int64_t> : Integer {};
template <>
struct Format<std::uint64_t> : Integer {};
template <>
struct Format<int> : Integer {};
template <>
struct Format<std::uint32_t> : Integer {};
template <>
struct Format<std::uint16_t> : Integer {};
template <>
struct Format<std::optional<int>> : Integer {};
template <>
struct Format<std::optional<std::uint64_t>> : Integer {};
template <>
struct Format<double> : Real {};
template <>
struct Format<std::chrono::nanoseconds> : Duration {};
template <>
struct Format<std::optional<std::chrono::nanoseconds>> : Duration {};
template <>
struct Format<std::vector<std::string>> : TextList {};
template <>
struct Format<std::optional<std::vector<std::string>>> : Command {};
template <>
struct Format<std::map<std::string, std::string>> : Labels {};
template <>
struct Format<std::map<std::string, std::optional<std::string>>> : Variables {};
template <>
struct Format<std::map<std::string, std::vector<std::string>>> : Hosts {};

// ------------------------------------------------------------------ the whole

Project decode_project(Tree&, Node& document, Diagnostics&);
Node* encode_project(Tree&, const Project&, bool json);
Node* encode_service(Tree&, const Service&, bool json);

} // namespace davit::compose
