// What may stand where, as tables of plain data: the Compose specification's schema. Adding an
// attribute is adding a row.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace davit::compose {

enum Type : std::uint8_t { t_null = 1, t_bool = 2, t_int = 4, t_num = 8, t_str = 16, t_list = 32, t_map = 64 };
using Types = std::uint8_t;

struct Shape;
struct Field {
    std::string_view key;
    const Shape* shape;
};

// Which keys a mapping with free keys may have.
enum class Keys : std::uint8_t { any, resource /* [a-zA-Z0-9._-]+ */, lower /* others are not looked at */ };
enum class Pattern : std::uint8_t { none, container_name, pull_policy };

struct Shape {
    std::string_view noun{};         // "a service", for messages
    Types types = 0;                 // 0 = anything
    std::span<const Field> fields{}; // of a mapping; sorted by key if there are more than 32
    const Shape* values = nullptr;   // of a mapping with free keys
    Keys keys = Keys::any;
    bool closed = true;           // other keys are errors
    bool extensions = true;       // x- keys are allowed
    const Shape* items = nullptr; // of a list
    bool unique = false;          // no two items are equal
    std::span<const std::string_view> required{};
    std::span<const std::string_view> words{}; // the only texts allowed
    Pattern pattern = Pattern::none;
    const std::int64_t* least = nullptr; // of a number
    const std::int64_t* most = nullptr;
};

extern const Shape schema_project;
extern const Shape schema_build;
extern const Shape schema_deploy;
extern const Shape schema_develop;
extern const Shape schema_service;
extern const Shape schema_device_requests;
extern const Shape schema_volume_mounts;

// Shapes that many attributes share.
namespace shapes {
extern const Shape text, text_or_null, boolean, bool_or_text, integer_or_text, number_or_text, number;
extern const Shape text_list, unique_texts, text_or_list, list_or_map, text_or_number_list, extra_hosts;
extern const Shape command, ulimits, file_references, driver_opts, hook, pre_start_hook, anything;
} // namespace shapes

} // namespace davit::compose
