// Trees ↔ the model. One table of rows per struct serves both directions: adding an attribute is
// adding a row. What a member looks like in YAML follows from its type, or from the format its row names.
#pragma once

#include "compose/diagnostics.hpp"
#include "compose/tree.hpp"
#include "davit/project.hpp"

#include <algorithm>
#include <limits>
#include <span>
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

// json: null commands and some empty mappings are written, x- keys only at the top; as Docker Compose does.
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

// ------------------------------------------------------------------ structs by rows

template <typename S>
struct Row {
    std::string_view key;
    void (*decode)(Decoder&, Node&, S&);
    Node* (*encode)(Encoder&, const S&);
    std::string_view json_key{}; // in JSON, if it is another one
};

// The rows of each struct, defined with the tables.
template <typename S>
std::span<const Row<S>> rows();

template <typename M>
struct MemberOf;
template <typename S, typename T>
struct MemberOf<T S::*> {
    using Struct = S;
    using Type = T;
};

// row<&Service::image>("image"), row<&Service::mem_limit, Bytes>("mem_limit")
template <auto Member, typename F = Format<typename MemberOf<decltype(Member)>::Type>>
constexpr Row<typename MemberOf<decltype(Member)>::Struct> row(std::string_view key) {
    using S = typename MemberOf<decltype(Member)>::Struct;
    return {key, [](Decoder& d, Node& n, S& s) { F::decode(d, n, s.*Member); },
            [](Encoder& e, const S& s) -> Node* { return F::encode(e, s.*Member); }};
}

template <typename S>
const Row<S>* find_row(std::string_view key) {
    static const std::vector<const Row<S>*> sorted = [] {
        std::vector<const Row<S>*> out;
        for (const auto& r : rows<S>()) out.push_back(&r);
        std::sort(out.begin(), out.end(), [](auto* a, auto* b) { return a->key < b->key; });
        return out;
    }();
    auto it =
        std::lower_bound(sorted.begin(), sorted.end(), key, [](auto* r, std::string_view k) { return r->key < k; });
    return it != sorted.end() && (*it)->key == key ? *it : nullptr;
}

template <typename S>
void decode_struct(Decoder& d, Node& n, S& out) {
    for (Entry& e : n.map()) {
        if (e.value->failed) continue;
        auto step = d.path().key(e.key);
        if (const Row<S>* r = find_row<S>(e.key)) {
            if (!e.value->is_null() || e.key == "command" || e.key == "entrypoint") r->decode(d, *e.value, out);
        } else if constexpr (requires { out.extensions; }) {
            if (e.key.substr(0, 2) == "x-" && e.key.substr(0, 3) != "x-#")
                out.extensions.emplace(std::string(e.key), to_value(*e.value));
        }
    }
}

template <typename S>
Node* encode_struct(Encoder& e, const S& s) {
    Node* out = e.tree.map();
    for (const auto& r : rows<S>())
        if (Node* n = r.encode(e, s)) e.tree.add(*out, e.json && !r.json_key.empty() ? r.json_key : r.key, n);
    if constexpr (requires { s.extensions; })
        if (!e.json)
            for (const auto& [key, value] : s.extensions) e.tree.add(*out, e.tree.copy(key), from_value(e.tree, value));
    return out;
}

// A struct that stands for itself; written if anything is in it.
template <typename S>
struct Object {
    static void decode(Decoder& d, Node& n, S& out) { decode_struct(d, n, out); }
    static Node* encode(Encoder& e, const S& s) {
        Node* n = encode_struct(e, s);
        return n->empty() && !e.json ? nullptr : n; // JSON has {} where Go's structs are no pointers
    }
};
template <typename S>
struct OptionalObject {
    static void decode(Decoder& d, Node& n, std::optional<S>& out) {
        if (!n.is_map()) return;
        out.emplace();
        decode_struct(d, n, *out);
    }
    static Node* encode(Encoder& e, const std::optional<S>& s) { return s ? encode_struct(e, *s) : nullptr; }
};
template <typename S>
struct ObjectList {
    static void decode(Decoder& d, Node& n, std::vector<S>& out) {
        auto items = n.list();
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (items[i]->failed) continue;
            auto step = d.path().item(i);
            decode_struct(d, *items[i], out.emplace_back());
            if constexpr (requires { out.back().origin; }) out.back().origin.pos = d.where(items[i]->pos);
        }
    }
    static Node* encode(Encoder& e, const std::vector<S>& items) {
        if (items.empty()) return nullptr;
        Node* out = e.tree.list();
        for (const S& s : items) e.tree.push(*out, encode_struct(e, s));
        return out;
    }
};
template <typename S>
struct ObjectMap {
    static void decode(Decoder& d, Node& n, std::map<std::string, S>& out) {
        for (Entry& e : n.map()) {
            if (e.value->failed) continue;
            auto step = d.path().key(e.key);
            S& s = out[std::string(e.key)];
            if constexpr (requires { s.key; }) s.key = e.key;
            if constexpr (requires { s.origin; }) s.origin.pos = d.where(e.key_pos.line ? e.key_pos : e.value->pos);
            decode_struct(d, *e.value, s);
        }
    }
    static Node* encode(Encoder& e, const std::map<std::string, S>& items) {
        if (items.empty()) return nullptr;
        Node* out = e.tree.map();
        for (const auto& [key, s] : items) e.tree.add(*out, e.tree.copy(key), encode_struct(e, s));
        return out;
    }
};
// A mapping whose values may be null.
template <typename S>
struct NullableMap {
    static void decode(Decoder& d, Node& n, std::map<std::string, std::optional<S>>& out) {
        for (Entry& e : n.map()) {
            auto step = d.path().key(e.key);
            auto& s = out[std::string(e.key)];
            if (e.value->is_map()) decode_struct(d, *e.value, s.emplace());
        }
    }
    static Node* encode(Encoder& e, const std::map<std::string, std::optional<S>>& items) {
        if (items.empty()) return nullptr;
        Node* out = e.tree.map();
        for (const auto& [key, s] : items) e.tree.add(*out, e.tree.copy(key), s ? encode_struct(e, *s) : e.tree.null());
        return out;
    }
};

// ------------------------------------------------------------------ the whole

Project decode_project(Tree&, Node& document, Diagnostics&);
Node* encode_project(Tree&, const Project&, bool json);
Node* encode_service(Tree&, const Service&, bool json);

} // namespace davit::compose
