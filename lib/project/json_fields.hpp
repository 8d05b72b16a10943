// JSON of plain structs: enums by name, optionals by absence, unknown keys ignored (a newer davit
// of the same format may add some). For .cpp files only: it pulls in nlohmann/json.
#pragma once

#include "base/error.hpp"
#include "base/json_text.hpp"

#include <optional>
#include <string>
#include <utility>

namespace davit::json {

template <typename E>
struct EnumNames; // specialise: static constexpr std::pair<E, const char*> table[]

template <typename E>
const char* name_of(E value) {
    for (const auto& [e, name] : EnumNames<E>::table)
        if (e == value) return name;
    throw error(Errc::failed, "unnamed value {}", static_cast<int>(value));
}

template <typename E>
E value_of(const std::string& name) {
    for (const auto& [e, text] : EnumNames<E>::table)
        if (name == text) return e;
    throw error(Errc::failed, "unknown word '{}'", name);
}

// Parses text into T by its from_json; failures name the file.
template <typename T>
T parse(const std::string& text, const std::string& file) {
    try {
        return parse_text(text).template get<T>();
    } catch (const nlohmann::json::exception& e) {
        throw error(Errc::failed, "{} is not a record of davit: {}", file, e.what());
    } catch (Error& e) {
        e.with_context("reading " + file);
        throw;
    }
}

template <typename T>
T parse_record(const std::string& text, const std::string& file, int newest) {
    T record = parse<T>(text, file);
    if (record.format > newest)
        throw error(Errc::unsupported, "{} was written by a newer davit (format {}, this one knows {})", file,
                    record.format, newest)
            .with_hint("use that davit, or remove the project with it first");
    return record;
}

inline std::string dump(const Value& value) { return text(value); }

} // namespace davit::json

namespace nlohmann {

template <typename T>
struct adl_serializer<std::optional<T>> {
    static void to_json(json& j, const std::optional<T>& value) { value ? void(j = *value) : void(j = nullptr); }
    static void from_json(const json& j, std::optional<T>& value) {
        j.is_null() ? value.reset() : void(value = j.template get<T>());
    }
};

} // namespace nlohmann

// Makes to_json and from_json of an enum out of its table. Use in the enum's namespace.
#define DAVIT_JSON_ENUM(E, ...)                                                                                        \
    namespace json {                                                                                                   \
    template <>                                                                                                        \
    struct EnumNames<E> {                                                                                              \
        static constexpr std::pair<E, const char*> table[] = {__VA_ARGS__};                                            \
    };                                                                                                                 \
    }                                                                                                                  \
    [[maybe_unused]] static void to_json(nlohmann::json& j, const E& v) { j = json::name_of(v); }                      \
    [[maybe_unused]] static void from_json(const nlohmann::json& j, E& v) {                                            \
        v = json::value_of<E>(j.get<std::string>());                                                                   \
    }
