// The functions that every bake file has, a table for each noun.
#pragma once

#include "bake/value.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::baking {

using Arguments = std::vector<Value>;

struct Function {
    const char* name;
    std::size_t least, most; // arguments
    Value (*call)(const Arguments&);
};

constexpr std::size_t any_number = 100'000;

std::span<const Function> string_functions();
std::span<const Function> regex_functions();
std::span<const Function> format_functions();
std::span<const Function> number_functions();
std::span<const Function> collection_functions();
std::span<const Function> set_functions();
std::span<const Function> encoding_functions();
std::span<const Function> hash_functions();
std::span<const Function> time_functions();
std::span<const Function> network_functions();
std::span<const Function> version_functions();

// Throws Error(usage) for what is none.
const std::vector<Value>& list_of(const Value& v);
// Elements that have one kind: of numbers and texts together, texts.
std::vector<Value> of_one_kind(std::vector<Value> list);
// As jsonencode writes it.
std::string json_text(const Value& v);
// The characters of a text: a letter with its accents and what emoji are put together of is one.
std::vector<std::string_view> characters(std::string_view text);
// The code point that begins at `at`, which goes past it; a byte that is none stands for itself.
unsigned take_code_point(std::string_view text, std::size_t& at);
unsigned cased(unsigned code_point, bool upper);
bool is_letter_or_digit(unsigned code_point); // or '_'

} // namespace davit::baking
