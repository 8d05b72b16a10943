// JSON on its way out: always valid UTF-8, and nothing in it steers a terminal.
#pragma once

#include "base/printable.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace davit::cli {

// indent -1: one line. Works for json and ordered_json.
template <typename Json>
std::string json_text(const Json& value, int indent = -1) {
    return printable_json(value.dump(indent, ' ', false, Json::error_handler_t::replace));
}

} // namespace davit::cli
