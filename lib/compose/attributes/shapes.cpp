#include "compose/attributes/shapes.hpp"

#include <algorithm>

namespace davit::compose {

const Attribute* Fields::find(std::string_view key) const {
    auto it = std::lower_bound(sorted_.begin(), sorted_.end(), key,
                               [](const Attribute* a, std::string_view k) { return a->key < k; });
    return it != sorted_.end() && (*it)->key == key ? *it : nullptr;
}

namespace shapes {

namespace {
constinit const Shape scalar{.types = t_str | t_num | t_bool | t_null};
constinit const Shape text_or_number{.types = t_str | t_num};
constinit const Shape text_or_integer{.types = t_str | t_int};
constinit const Shape addresses{.types = t_str | t_list, .items = &text};
} // namespace

constinit const Shape anything{};
constinit const Shape text{.types = t_str};
constinit const Shape text_or_null{.types = t_str | t_null};
constinit const Shape boolean{.types = t_bool};
constinit const Shape bool_or_text{.types = t_bool | t_str};
constinit const Shape integer{.types = t_int};
constinit const Shape integer_or_text{.types = t_int | t_str};
constinit const Shape number_or_text{.types = t_num | t_str};
constinit const Shape number{.types = t_num};
constinit const Shape text_list{.types = t_list, .items = &text};
constinit const Shape unique_texts{.types = t_list, .items = &text, .unique = true};
constinit const Shape text_or_list{.types = t_str | t_list, .items = &text, .unique = true};
constinit const Shape list_or_map{
    .types = t_list | t_map, .values = &scalar, .extensions = false, .items = &text, .unique = true};
constinit const Shape text_or_number_list{.types = t_list, .items = &text_or_number, .unique = true};
constinit const Shape text_or_integer_list{.types = t_list, .items = &text_or_integer, .unique = true};
constinit const Shape extra_hosts{
    .types = t_list | t_map, .values = &addresses, .extensions = false, .items = &text, .unique = true};
constinit const Shape command{.types = t_null | t_str | t_list, .items = &text};
constinit const Shape driver_opts{.types = t_map, .values = &text_or_number, .extensions = false};

} // namespace shapes

} // namespace davit::compose
