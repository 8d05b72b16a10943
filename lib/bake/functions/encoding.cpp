// Functions of JSON, CSV, base64 and URLs.
#include "bake/functions/function.hpp"
#include "base/error.hpp"
#include "base/json_depth.hpp"
#include "base/text_code.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace davit::baking {

namespace {

using Kind = Value::Kind;
using Json = nlohmann::ordered_json;

// As Go writes it: what could end a <script> is escaped.
std::string quoted(const std::string& text) {
    std::string out;
    for (const char c : Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)) {
        if (c == '<') out += "\\u003c";
        else if (c == '>') out += "\\u003e";
        else if (c == '&') out += "\\u0026";
        else out += c;
    }
    for (const auto& [from, to] : {std::pair{"\u2028", "\\u2028"}, std::pair{"\u2029", "\\u2029"}})
        for (std::size_t at; (at = out.find(from)) != std::string::npos;) out.replace(at, 3, to);
    return out;
}

Value value_of(const Json& json) {
    if (json.is_string()) return Value::of(json.get<std::string>());
    if (json.is_boolean()) return Value::of(json.get<bool>());
    if (json.is_number_unsigned()) return Value::of(static_cast<long double>(json.get<std::uint64_t>()));
    if (json.is_number_integer()) return Value::of(static_cast<long double>(json.get<std::int64_t>()));
    if (json.is_number()) return Value::of(json.get<double>());
    Value out;
    if (json.is_array()) {
        out.kind = Kind::list;
        for (const Json& one : json) out.list.push_back(value_of(one));
    } else if (json.is_object()) {
        out.kind = Kind::object;
        for (const auto& [key, one] : json.items()) out.set(key, value_of(one));
    }
    return out;
}

Value json_decode(const Arguments& a) {
    const std::string text = text_of(a[0]);
    if (is_nested_too_deep(text)) throw error(Errc::usage, "jsondecode: the text is nested too deep");
    try {
        return value_of(Json::parse(text));
    } catch (const nlohmann::json::exception& e) {
        throw error(Errc::usage, "jsondecode: {}", e.what());
    }
}

// One record after the other; fields in quotes may have commas, ends of lines, and "" for a quote.
class Csv {
public:
    explicit Csv(const std::string& text) : text_(text) {}

    bool next(std::vector<std::string>& record) {
        while (at_ < text_.size() && end_of_line()) {}
        if (at_ >= text_.size()) return false;
        record.clear();
        do record.push_back(field());
        while (at_ < text_.size() && text_[at_] == ',' && ++at_);
        if (at_ < text_.size() && !end_of_line()) fail("a ',' is needed behind a field in quotes");
        return true;
    }
    [[noreturn]] void fail(const char* what) const { throw error(Errc::usage, "csvdecode: line {}: {}", line_, what); }

private:
    bool end_of_line() {
        const std::size_t from = at_;
        if (text_.compare(at_, 2, "\r\n") == 0) at_ += 2;
        else if (text_[at_] == '\n') ++at_;
        line_ += at_ != from;
        return at_ != from;
    }

    std::string field() {
        if (at_ < text_.size() && text_[at_] == '"') return in_quotes();
        const std::size_t from = at_;
        at_ = std::min(text_.find_first_of(",\n", at_), text_.size());
        std::string out = text_.substr(from, at_ - from);
        if (out.ends_with('\r')) {
            out.pop_back();
            if (at_ < text_.size() && text_[at_] == '\n') --at_;
        }
        if (out.find('"') != std::string::npos) fail("a quote stands in a field without quotes");
        return out;
    }

    std::string in_quotes() {
        std::string out;
        for (++at_; at_ < text_.size(); ++at_) {
            line_ += text_[at_] == '\n';
            if (text_[at_] != '"') out += text_[at_];
            else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') out += text_[++at_];
            else {
                ++at_;
                return out;
            }
        }
        fail("a field in quotes has no end");
    }

    const std::string& text_;
    std::size_t at_ = 0;
    int line_ = 1;
};

Value csv_decode(const Arguments& a) {
    const std::string text = text_of(a[0]);
    Csv csv(text);
    std::vector<std::string> names, record;
    if (!csv.next(names)) throw error(Errc::usage, "csvdecode: the first line with the names is missing");
    std::vector<std::string> sorted = names;
    std::sort(sorted.begin(), sorted.end());
    if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
        throw error(Errc::usage, "csvdecode: there are two columns \"{}\"", *twice);
    std::vector<Value> out;
    while (csv.next(record)) {
        if (record.size() != names.size()) csv.fail("the line before has another number of fields than the first");
        Value one;
        one.kind = Kind::object;
        for (std::size_t i = 0; i < names.size(); ++i) one.set(names[i], Value::of(record[i]));
        out.push_back(std::move(one));
    }
    return Value::of(std::move(out));
}

bool is_utf8(const std::string& text) {
    try {
        Json(text).dump();
        return true;
    } catch (const nlohmann::json::exception&) {
        return false;
    }
}

Value base64_text(const Arguments& a) {
    std::string text = text_of(a[0]);
    std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
    const bool standard = text.size() % 4 == 0 && text.find_first_of("-_") == std::string::npos;
    const auto out = standard ? base64_decode(text) : std::nullopt;
    if (!out) throw error(Errc::usage, "base64decode: \"{}\" is no base64", text);
    if (!is_utf8(*out)) throw error(Errc::usage, "base64decode: what \"{}\" stands for is no UTF-8", text);
    return Value::of(*out);
}

Value url_encode(const Arguments& a) {
    std::string out = percent_encode(text_of(a[0]));
    for (std::size_t at = 0; (at = out.find("%20", at)) != std::string::npos; ++at) out.replace(at, 3, "+");
    return Value::of(std::move(out));
}

const Function functions[] = {
    {"base64decode", 1, 1, base64_text},
    {"base64encode", 1, 1, [](const Arguments& a) { return Value::of(base64_encode(text_of(a[0]))); }},
    {"csvdecode", 1, 1, csv_decode},
    {"jsondecode", 1, 1, json_decode},
    {"jsonencode", 1, 1, [](const Arguments& a) { return Value::of(json_text(a[0])); }},
    {"urlencode", 1, 1, url_encode},
};

} // namespace

std::string json_text(const Value& v) {
    std::string out;
    switch (v.kind) {
    case Kind::null: return "null";
    case Kind::text: return quoted(v.text);
    case Kind::number:
        if (std::isinf(v.number)) throw error(Errc::usage, "JSON has no infinite numbers");
        return text_of(v);
    case Kind::boolean: return text_of(v);
    case Kind::list:
        for (const Value& one : v.list) out += (out.empty() ? "" : ",") + json_text(one);
        return "[" + out + "]";
    case Kind::object:
        for (const std::string& key : sorted_keys(v))
            out += (out.empty() ? "" : ",") + quoted(key) + ":" + json_text(*v.find(key));
        return "{" + out + "}";
    }
    return out;
}

std::span<const Function> encoding_functions() { return functions; }

} // namespace davit::baking
