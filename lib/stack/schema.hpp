// What a stack file may say: the keys of version 3, in the order in which they are printed, with what each holds and
// the minor version that brought it. One table drives checking, canonical forms, merging and printing.
#pragma once

#include "compose/diagnostics.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace davit::stack {

using compose::Diagnostics;
using compose::Entry;
using compose::Kind;
using compose::Node;
using compose::Path;
using compose::Pos;
using compose::Tree;

enum class Is : std::uint8_t {
    text,
    boolean,
    integer,
    number,
    count,  // an integer that is not negative
    amount, // a number that is not negative
    number_or_text,
    text_or_null,
    duration,    // a text
    size,        // a text: bytes
    order,       // start-first, stop-first
    words,       // a text, split as a shell does, or a list
    test,        // a text for the shell, or a list
    texts,       // a list of texts
    set,         // a list of texts that differ
    text_or_set, // one text, or such a list
    scalars,     // a list of texts or numbers that differ
    pairs,       // a map, or a list of KEY=VALUE; a key without value is empty
    variables,   // the same; a key without value has none
    hosts,       // the same, written as a list of HOST:ADDRESS
    options,     // a map of texts and numbers
    log_options, // the same, and nothing
    record,      // a map with the keys of `table`
    record_or_null,
    records,       // a list of them
    named_records, // a map of them, under names
    files,         // configs and secrets of a service: a list of names or records
    ports,
    volumes,
    build,    // a text or a record
    external, // a boolean, or {name: …}
    networks, // of a service: a list of names, or a map of records that may be nothing
    ulimits,
    extension, // anything
};

// How a value merges with the one of an earlier file; what is printed when it holds nothing.
enum class Merge : std::uint8_t { plain, replace, by_published, by_source, by_target, logging, attachment };

struct Table;
struct Key {
    std::string_view name;
    Is is = Is::text;
    const Table* table = nullptr;
    int since = 0;     // the x of 3.x
    bool keep = false; // printed even when it is empty, 0 or false
    Merge merge = Merge::plain;
};
struct Table {
    std::span<const Key> keys;
    int extensions = -1; // x-… since; -1: never
    bool open = false;   // other keys are let through, and mean nothing
    std::span<const std::string_view> required = {};
    const Key* find(std::string_view name) const;
};

extern const Table file_table;
constexpr int newest_minor = 13;

// The minor version that a file has; 13 without one. Reports what is no version of a stack file.
int read_version(const Node& root, Diagnostics& diag);
// Reports what the file may not say, in docker's words; refused: the dotted paths of keys that it may not have.
void validate(const Node& root, int minor, Diagnostics& diag, std::vector<std::string>& refused);

} // namespace davit::stack
