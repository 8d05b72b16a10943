// One JSON object of ECS while it is read: its values by type, and in the end a warning for each key that nobody took.
#pragma once

#include "compose/diagnostics.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::compose::ecs {

// What is for AWS alone, of one document: one warning names all of it.
struct ForAws {
    std::vector<std::string> keys;
    Pos at;
};

// AWS prints what is not given as empty lists, objects, texts and nulls.
bool says_nothing(const Node& n);

class Object {
public:
    Object(const Node& node, std::string path, Diagnostics& diag)
        : node_(&node), path_(std::move(path)), diag_(&diag) {}

    const std::string& path() const { return path_; }
    std::string path(std::string_view key) const {
        return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
    }
    const Node& node() const { return *node_; }
    Pos at(std::string_view key) const; // of its value; of the object where there is none

    // nullptr: there is none, it is null, or of another type, which is reported.
    const Node* text(std::string_view key);
    const Node* number(std::string_view key);
    const Node* flag(std::string_view key);
    const Node* list(std::string_view key);
    const Node* map(std::string_view key);
    const Node* anything(std::string_view key);

    std::string word(std::string_view key); // "": there is none
    std::optional<std::int64_t> whole(std::string_view key);
    bool truth(std::string_view key, bool otherwise = false);
    std::vector<Object> objects(std::string_view key);
    std::vector<const Node*> texts(std::string_view key);
    std::optional<Object> object(std::string_view key);

    // Has to be there: reported where it is not.
    std::string required(std::string_view key);

    // What AWS prints and nobody writes.
    void printed(std::initializer_list<std::string_view> keys);
    void for_aws(std::initializer_list<std::string_view> keys, ForAws& all);
    // Warns where the key says something.
    void no_effect(std::string_view key, std::string_view why, std::string_view hint = {});

    void error(std::string_view key, std::string message, std::string hint = {}) const;
    void warning(std::string_view key, std::string message, std::string hint = {}) const;
    // What is left is not known here.
    void finish() const;

private:
    const Node* take(std::string_view key);
    const Node* typed(std::string_view key, Kind kind, const char* what);

    const Node* node_;
    std::string path_;
    Diagnostics* diag_;
    std::vector<std::string_view> known_;
};

} // namespace davit::compose::ecs
