// A small JSON-like tree for what the model does not interpret: x- extensions and provider options.
// A plain value: copies are deep, nothing blocks, nothing throws but for memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct Value {
    struct Member; // {first, second}: a pair would have to know all of Value too early
    using List = std::vector<Value>;
    using Map = std::vector<Member>; // in the order of the file
    using Data = std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map>;
    Data data;
    bool is_null() const { return std::holds_alternative<std::monostate>(data); }
    bool operator==(const Value& other) const;
};

struct Value::Member {
    std::string first;
    Value second;
    bool operator==(const Member&) const = default;
};

inline bool Value::operator==(const Value& other) const { return data == other.data; }

// Keys start with "x-".
using Extensions = std::map<std::string, Value>;

} // namespace davit
#pragma GCC visibility pop
