#include "base/json_text.hpp"

namespace davit::json {

namespace {

template <typename Document>
std::string written(const Document& value, int indent) {
    return value.dump(indent, ' ', false, Document::error_handler_t::replace);
}

} // namespace

Value parse_text(std::string_view text) { return Value::parse(text); }
Value parse_or_discarded(std::string_view text) { return Value::parse(text, nullptr, false); }
std::string text(const Value& value, int indent) { return written(value, indent); }
std::string text(const nlohmann::ordered_json& value, int indent) { return written(value, indent); }
std::string strict_text(const Value& value, int indent) { return value.dump(indent); }

} // namespace davit::json
