// The tree all passes of the loader work on: nodes in one arena, each with its place in a file.
// Passes change nodes in place; a node has one parent (aliases are copied when they are read).
#pragma once

#include "davit/error.hpp"

#include <cstdint>
#include <deque>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

namespace davit::yaml {

// Where a node was written. file: index into Tree's files, counted from 1; 0 = nowhere.
struct Pos {
    std::uint32_t line = 0;
    std::uint16_t column = 0;
    std::uint16_t file = 0;
};

enum class Kind : std::uint8_t { null, boolean, integer, real, string, list, map };
// `!reset` and `!override`; merge marks a plain `<<`.
enum class Tag : std::uint8_t { none, reset, override_value, merge };

struct Node;
struct Entry {
    std::string_view key;
    Node* value = nullptr;
    Pos key_pos;
};

struct Node {
    Kind kind = Kind::null;
    Tag tag = Tag::none;
    bool timestamp : 1 = false; // a string that YAML 1.1 reads as a date
    bool failed : 1 = false;    // an error about it is reported; later passes leave it alone
    bool own_keys : 1 = false;  // a map whose keys are the user's: YAML output has them in their natural order
    bool large : 1 = false;     // a string whose digits are a number beyond int64, as YAML has it
    Pos pos;
    union {
        bool boolean;
        std::int64_t integer;
        double real;
        struct {
            const char* data;
            std::uint32_t size;
        } text;
        struct {
            Node** data;
            std::uint32_t size;
            std::uint32_t capacity;
        } items;
        struct {
            Entry* data;
            std::uint32_t size;
            std::uint32_t capacity;
        } entries;
    };
    Node() : entries{nullptr, 0, 0} {}

    bool is_null() const { return kind == Kind::null; }
    bool is_bool() const { return kind == Kind::boolean; }
    bool is_string() const { return kind == Kind::string; }
    bool is_text() const { return is_string() && !timestamp && !large; } // a string for YAML as well
    bool is_list() const { return kind == Kind::list; }
    bool is_map() const { return kind == Kind::map; }
    bool is_number() const { return kind == Kind::integer || kind == Kind::real; }
    bool is_scalar() const { return kind != Kind::list && kind != Kind::map; }

    std::string_view str() const { return is_string() ? std::string_view(text.data, text.size) : std::string_view(); }
    std::span<Node*> list() const { return is_list() ? std::span<Node*>(items.data, items.size) : std::span<Node*>(); }
    std::span<Entry> map() const {
        return is_map() ? std::span<Entry>(entries.data, entries.size) : std::span<Entry>();
    }
    bool empty() const { return is_list() ? items.size == 0 : is_map() ? entries.size == 0 : is_null(); }

    Entry* find_entry(std::string_view key) const;
    Node* find(std::string_view key) const;
    bool has(std::string_view key) const { return find_entry(key) != nullptr; }
    // Keeps the order of the others.
    bool erase(std::string_view key);
    void erase_item(std::size_t index);
};

// A value as Go's fmt prints it: 1, 1.5, 1e+21, true, text; null is "".
std::string to_text(const Node&);
// The place of what a dotted path (services.web.ports[0]) names, or of the nearest thing above it.
Pos locate(const Node& root, std::string_view path);
bool equal(const Node&, const Node&);
// Every map in it, by key.
void sort_keys(Node&);

class Tree {
public:
    Tree();
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;

    Node* null(Pos at = {});
    Node* boolean(bool value, Pos at = {});
    Node* integer(std::int64_t value, Pos at = {});
    Node* real(double value, Pos at = {});
    Node* string(std::string_view value, Pos at = {}); // copies
    Node* list(Pos at = {});
    Node* map(Pos at = {});
    Node* map_of_own_keys();
    // A new node with the same content: scalars and containers in depth.
    Node* clone(const Node&);
    std::string_view copy(std::string_view text);

    void push(Node& list, Node* item);
    // Replaces the value or appends; the key must live as long as the tree.
    Entry& set(Node& map, std::string_view key, Node* value, Pos key_pos = {});
    // Appends without looking.
    Entry& add(Node& map, std::string_view key, Node* value, Pos key_pos = {});

    // Files, for positions. The text is kept for the caret lines of messages.
    std::uint16_t add_file(std::string name, std::string text);
    SourcePos where(Pos) const;
    std::string_view line_text(Pos) const;
    const std::string& file_text(std::uint16_t file) const { return files_[file - 1u].text; }

private:
    template <typename T>
    void grow(T*& data, std::uint32_t size, std::uint32_t& capacity);
    Node* make(Kind kind, Pos at);

    struct File {
        std::string name;
        std::string text;
    };
    std::pmr::monotonic_buffer_resource arena_;
    std::deque<File> files_; // references to its texts stay valid
};

} // namespace davit::yaml
